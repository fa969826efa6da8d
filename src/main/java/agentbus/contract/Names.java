package agentbus.contract;

import java.util.Locale;

/** The contract's names as other places spell them. */
public final class Names {
    private Names() {}

    /**
     * Spells a name in kebab case.
     *
     * @param camel a name in camel case, such as {@code renewJobLease}
     * @return the same in kebab case, such as {@code renew-job-lease}
     */
    public static String kebab(String camel) {
        return camel.replaceAll("([a-z0-9])([A-Z])", "$1-$2").toLowerCase(Locale.ROOT);
    }
}
