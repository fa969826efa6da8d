package agentbus.settings;

import agentbus.text.Cron;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The values that a setting can have.
 *
 * @param values the values in words, such as {@code a whole number of milliseconds from 250 to 60000}
 * @param mistake the rule that a value breaks, in words that follow "it"; empty for a valid value
 */
record Kind(String values, Function<String, Optional<String>> mistake) {
    /** The units, by the last word of a setting's name. */
    private static final Map<String, String> UNITS = Map.of(
            "ms", "milliseconds",
            "seconds", "seconds",
            "minutes", "minutes",
            "hours", "hours",
            "days", "days",
            "bytes", "bytes");

    /** At most 18 digits, so that every match fits into a long. Only ASCII digits, because Camel reads the text too. */
    private static final Pattern WHOLE = Pattern.compile("-?[0-9]{1,18}");

    private static final Pattern CONTROL = Pattern.compile("\\p{Cntrl}");
    private static final Pattern TOKEN = Pattern.compile("[!-~]*");
    private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9-]{0,62}");
    private static final Pattern HOST = Pattern.compile("[A-Za-z0-9._:%-]+");
    private static final Pattern HOST_NAME = Pattern.compile("[A-Za-z0-9._-]*");
    /** Java's URI has no host for a name with an underscore, which containers often have. */
    private static final Pattern UNDERSCORED = Pattern.compile("(?=[^:]*_)[A-Za-z0-9._-]+(:(?<port>[0-9]{1,5}))?");

    private static final Pattern URL_PATH = Pattern.compile("(/[A-Za-z0-9._~-]+)*/?");
    private static final int LARGEST_PORT = 65_535;

    /** Any text on one line. */
    static Kind text(String values) {
        return of(values, value -> true);
    }

    /**
     * A whole number. The last word of the setting's name is its unit.
     *
     * @param name the setting's name
     * @param least the smallest number
     * @param most the largest number
     */
    static Kind whole(String name, long least, long most) {
        String unit =
                UNITS.getOrDefault(name.substring(Math.max(name.lastIndexOf('.'), name.lastIndexOf('-')) + 1), "");
        return of(
                "a whole number " + (unit.isEmpty() ? "" : "of " + unit + " ") + "from " + least + " to " + most,
                value -> WHOLE.matcher(value).matches()
                        && Long.parseLong(value) >= least
                        && Long.parseLong(value) <= most);
    }

    /** One of a few words. */
    static Kind words(String... words) {
        return of("one of " + String.join(", ", words), List.of(words)::contains);
    }

    /** A name, as agents, gateways and namespaces have. */
    static Kind name() {
        return of("a name of lower case letters, digits and hyphens, a letter first", NAME.asMatchPredicate());
    }

    /** The name or number of one of the machine's addresses. */
    static Kind host() {
        return of("the name or number of an address of this machine", HOST.asMatchPredicate());
    }

    /** Host names, joined by commas; may be empty. */
    static Kind hosts() {
        return of(
                "host names joined by commas, without scheme and port",
                value -> Stream.of(value.split(",")).map(String::strip).allMatch(HOST_NAME.asMatchPredicate()));
    }

    /** The address of a server. */
    static Kind server() {
        return of(
                "http://<host>:<port> or https://<host>:<port>, and nothing after that",
                value -> isUrl(value, ""::equals, Kind::hasServer));
    }

    /** The address of a server with an optional path, or empty. */
    static Kind url() {
        return of(
                "http://<host>:<port> or https://<host>:<port>, and optionally a path of letters, digits and . _ ~ -",
                value -> value.isEmpty()
                        || isUrl(value, URL_PATH.asMatchPredicate(), Kind::hasServer)
                        || isUrl(value, URL_PATH.asMatchPredicate(), Kind::hasUnderscoredServer));
    }

    /** A Quartz cron expression in UTC that has a fire time in the future. */
    static Kind cron() {
        String values = "a Quartz cron expression in UTC";
        return new Kind(values, value -> cronMistake(value).map(why -> "must be " + values + ": " + why));
    }

    /** A directory or a file. */
    static Kind path(String values) {
        return of(values, value -> {
            try {
                return Path.of(value) != null;
            } catch (InvalidPathException impossible) {
                return false;
            }
        });
    }

    /** A token, which the bus sends in a header. */
    static Kind token() {
        return of("one word of visible ASCII characters", TOKEN.asMatchPredicate());
    }

    private static Kind of(String values, Predicate<String> valid) {
        return new Kind(values, value -> {
            if (CONTROL.matcher(value).find()) {
                return Optional.of("must be " + values + ", on one line and without control characters");
            }
            return valid.test(value) ? Optional.empty() : Optional.of("must be " + values);
        });
    }

    private static boolean hasServer(URI uri) {
        return uri.getHost() != null
                && uri.getUserInfo() == null
                && uri.getPort() != 0
                && uri.getPort() <= LARGEST_PORT;
    }

    private static boolean hasUnderscoredServer(URI uri) {
        Matcher server = UNDERSCORED.matcher(uri.getRawAuthority() == null ? "" : uri.getRawAuthority());
        if (!server.matches()) {
            return false;
        }
        int port = server.group("port") == null ? 1 : Integer.parseInt(server.group("port"));
        return port > 0 && port <= LARGEST_PORT;
    }

    private static boolean isUrl(String value, Predicate<String> path, Predicate<URI> server) {
        try {
            URI uri = new URI(value);
            return ("http".equals(uri.getScheme()) || "https".equals(uri.getScheme()))
                    && uri.getRawQuery() == null
                    && uri.getRawFragment() == null
                    && server.test(uri)
                    && path.test(uri.getRawPath());
        } catch (URISyntaxException noAddress) {
            return false;
        }
    }

    private static Optional<String> cronMistake(String value) {
        try {
            return Cron.parse(value).getTimeAfter(new Date()) == null
                    ? Optional.of("this one never fires again")
                    : Optional.empty();
        } catch (IllegalArgumentException wrong) {
            return Optional.of(wrong.getMessage());
        }
    }
}
