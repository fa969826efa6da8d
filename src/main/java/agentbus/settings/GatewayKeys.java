package agentbus.settings;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The names of the gateways' settings: {@code agentbus.gateway.<what>} describes the one named {@code default}, and
 * {@code agentbus.gateway.<name>.<what>} each one that {@code agentbus.gateways} names.
 */
public final class GatewayKeys {
    /** The setting that names the further gateways. */
    public static final String NAMES = "agentbus.gateways";
    /** What every gateway has. */
    public static final List<String> WHAT = List.of("url", "token", "operator-token", "form", "max-in-flight");

    /** The gateway that is always there. */
    public static final String DEFAULT = "default";

    private static final String PREFIX = "agentbus.gateway.";

    private GatewayKeys() {}

    /**
     * The key of a gateway's setting.
     *
     * @param gateway its name
     * @param what one of {@link #WHAT}
     * @return such as {@code agentbus.gateway.url}, or {@code agentbus.gateway.east.url}
     */
    public static String key(String gateway, String what) {
        return PREFIX + (gateway.equals(DEFAULT) ? "" : gateway + ".") + what;
    }

    /**
     * Takes the list of further gateways apart.
     *
     * @param value the list, comma separated, may be empty
     * @param source where it came from, for the message
     * @return the names in their order
     * @throws StartFailure at the first that is no name, or named twice
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
