package agentbus.contract;

import java.util.Locale;

/** Converts names of the contract. */
public final class Names {
    private Names() {}

    /**
     * Converts a name to kebab case.
     *
     * @param camel a name in camel case, such as {@code renewJobLease}
     * @return the name in kebab case, such as {@code renew-job-lease}
     */
    public static String kebab(String camel) {
        return camel.replaceAll("([a-z0-9])([A-Z])", "$1-$2").toLowerCase(Locale.ROOT);
    }

    /**
     * Converts a name to snake case.
     *
     * @param camel a name in camel case, such as {@code renewJobLease}
     * @return the name in snake case, such as {@code renew_job_lease}
     */
    public static String snake(String camel) {
        return kebab(camel).replace('-', '_');
    }
}
