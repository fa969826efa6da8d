package agentbus.settings;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The names of the gateways' settings. {@code agentbus.gateway.<what>} belongs to the gateway named {@code default},
 * and {@code agentbus.gateway.<name>.<what>} to a gateway that {@code agentbus.gateways} lists.
 */
public final class GatewayKeys {
    /** The setting that lists the further gateways. */
    public static final String NAMES = "agentbus.gateways";
    /** The settings of every gateway. */
    public static final List<String> WHAT =
            List.of("url", "token", "operator-token", "form", "max-in-flight", "run-end-seconds");

    /** The name of the gateway that always exists. */
    public static final String DEFAULT = "default";

    private static final String PREFIX = "agentbus.gateway.";
    private static final Pattern NAMED = Pattern.compile("agentbus[.]gateway[.][a-z][a-z0-9-]*[.]([a-z-]+)");

    private GatewayKeys() {}

    /**
     * The key of a gateway's setting.
     *
     * @param gateway the gateway's name
     * @param what one of {@link #WHAT}
     * @return such as {@code agentbus.gateway.url}, or {@code agentbus.gateway.east.url}
     */
    public static String key(String gateway, String what) {
        return PREFIX + (gateway.equals(DEFAULT) ? "" : gateway + ".") + what;
    }

    /**
     * The key of the same setting of the gateway {@code default}.
     *
     * @param key any key
     * @return such as {@code agentbus.gateway.url} for {@code agentbus.gateway.east.url}; another key as it is
     */
    static String ofDefault(String key) {
        Matcher named = NAMED.matcher(key);
        return named.matches() && WHAT.contains(named.group(1)) ? key(DEFAULT, named.group(1)) : key;
    }

    /**
     * Parses the list of further gateways.
     *
     * @param value the list, comma separated, may be empty
     * @param source the source of the list, for the message
     * @return the names in their order
     * @throws StartFailure if an entry is not a valid name or appears twice
     */
    public static List<String> names(String value, String source) {
        List<String> names = new ArrayList<>();
        for (String name : Arrays.stream(value.split(",")).map(String::strip).toList()) {
            if (name.isEmpty() && value.isBlank()) {
                continue;
            }
            if (!name.matches("[a-z][a-z0-9-]{0,62}") || name.equals(DEFAULT) || names.contains(name)) {
                throw new StartFailure(
                        NAMES + " (" + source + ") holds \"" + name + "\"; it must be names of lower case"
                                + " letters, digits and hyphens, joined by commas, each once, and default is always there");
            }
            names.add(name);
        }
        return names;
    }
}
