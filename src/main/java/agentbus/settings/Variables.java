package agentbus.settings;

import agentbus.text.Nearest;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The environment's variables whose names begin with {@code AGENTBUS_}, and which of them are settings. */
final class Variables {
    /** The variable that names the settings file. */
    static final String CONFIG = "AGENTBUS_CONFIG";

    private static final String PREFIX = "AGENTBUS_";

    /** Variables of the launcher, the command line and the server key, which this process reads elsewhere. */
    private static final Set<String> OURS =
            Set.of("AGENTBUS_URL", "AGENTBUS_TOKEN", CONFIG, "AGENTBUS_HOME", "AGENTBUS_JAVA_OPTS", ServerKey.VARIABLE);

    /** Variables of an earlier compose file, of our gateway configuration and of the gateway's plugin. */
    private static final Set<String> OF_OTHER_PROGRAMS =
            Set.of("AGENTBUS_POSTGRES_PASSWORD", "AGENTBUS_HOOK_TOKEN", "AGENTBUS_REPORT_TOKEN");

    /** The variables that Kubernetes sets for each service whose name begins with agentbus. */
    private static final Pattern SERVICE_LINK = Pattern.compile(
            "AGENTBUS_([A-Z0-9_]+_)?(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)");

    private static final Pattern SERVICE_PORT = Pattern.compile("AGENTBUS_([A-Z0-9_]+_)?PORT");
    private static final Pattern SERVICE_ADDRESS = Pattern.compile("(tcp|udp|sctp)://.+:[0-9]+");

    private final Map<String, String> settings;

    /**
     * The variables of a set of settings.
     *
     * @param settings the settings, by the names of their variables
     */
    Variables(Map<String, String> settings) {
        this.settings = settings;
    }

    /**
     * The name of the environment variable for a setting.
     *
     * @param key such as {@code agentbus.http.max-body-bytes}
     * @return such as {@code AGENTBUS_HTTP_MAX_BODY_BYTES}
     */
    static String of(String key) {
        return key.replace('.', '_').replace('-', '_').toUpperCase(Locale.ROOT);
    }

    /**
     * The setting that a variable sets.
     *
     * @param name the variable's name
     * @param value its value
     * @return the setting; empty if the variable sets none
     */
    Optional<String> setting(String name, String value) {
        return isServiceLink(name, value) ? Optional.empty() : Optional.ofNullable(settings.get(name));
    }

    /**
     * Whether a variable with our prefix belongs to another program.
     *
     * @param name the variable's name
     * @param value its value
     * @return true for a name that other programs use or that resembles no setting; false for our own variables and for
     *     names without our prefix
     * @throws StartFailure if the name resembles a setting, because it is then probably a mistyped one
     */
    boolean isForeign(String name, String value) {
        if (!name.startsWith(PREFIX) || OURS.contains(name)) {
            return false;
        }
        if (!isServiceLink(name, value) && !OF_OTHER_PROGRAMS.contains(name) && !value.isBlank()) {
            Optional<String> meant = meant(name);
            if (meant.isPresent() || inGroup(name)) {
                throw new StartFailure("the environment variable " + name + " is no setting of agentbus"
                        + meant.map(setting -> "; " + Nearest.question(setting)).orElse(""));
            }
        }
        return true;
    }

    private static boolean isServiceLink(String name, String value) {
        return SERVICE_LINK.matcher(name).matches()
                || (SERVICE_PORT.matcher(name).matches()
                        && SERVICE_ADDRESS.matcher(value).matches());
    }

    /** The known variable with a similar name, or else the first one that ends like the name. */
    private Optional<String> meant(String name) {
        // The prefix is left out, because it would make every two short names similar.
        String own = name.substring(PREFIX.length());
        Collection<String> known = Stream.concat(settings.keySet().stream(), OURS.stream())
                .map(variable -> variable.substring(PREFIX.length()))
                .sorted()
                .toList();
        return Nearest.of(own, known)
                .or(() -> known.stream()
                        .filter(variable -> variable.endsWith("_" + own))
                        .findFirst())
                .map(PREFIX::concat);
    }

    /** Whether the names of settings begin with the same two words. */
    private boolean inGroup(String name) {
        List<String> words = List.of(name.split("_", -1));
        return words.size() > 2
                && settings.keySet().stream().anyMatch(known -> known.startsWith(PREFIX + words.get(1) + "_"));
    }
}
