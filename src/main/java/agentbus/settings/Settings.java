package agentbus.settings;

import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeMap;

/**
 * The settings of one process; immutable.
 *
 * <p>The sources, from the weakest to the strongest:
 *
 * <ol>
 *   <li>{@code application.properties} on the class path, which holds every setting with its default
 *   <li>{@code agentbus.properties} in the home directory, or the file that {@code AGENTBUS_CONFIG} names
 *   <li>the environment
 *   <li>the command line
 * </ol>
 *
 * <p>In the environment, {@code agentbus.a.b-c} is {@code AGENTBUS_A_B_C}, and {@code DATABASE_URL} sets
 * {@code agentbus.database.url}. A key that ends in {@code .password}, {@code .token} or {@code -token} may be given as
 * {@code <key>-file}, the path of a file that holds the value.
 *
 * <p>All methods that read a value throw {@link StartFailure} when the value breaks the caller's rule. The message
 * names the setting, the source of the value, the value unless it is secret, and the rule.
 */
public final class Settings {
    private static final String URL_KEY = "agentbus.database.url";
    private static final Map<String, Long> UNIT_MS =
            Map.of("-ms", 1L, "-seconds", 1_000L, "-minutes", 60_000L, "-hours", 3_600_000L, "-days", 86_400_000L);

    private final Path home;
    private final Map<String, SettingsLoader.Entry> entries;

    private Settings(Path home, Map<String, SettingsLoader.Entry> entries) {
        this.home = home;
        this.entries = new TreeMap<>(entries);
    }

    /**
     * Reads all sources.
     *
     * @param home the installation's directory; relative paths in settings start there
     * @param environment the process's variables
     * @param overrides the settings of the command line, the strongest source
     * @return the settings
     * @throws StartFailure if a file cannot be read, or names a setting that does not exist
     */
    public static Settings load(Path home, Map<String, String> environment, Map<String, String> overrides) {
        Path absolute = home.toAbsolutePath().normalize();
        return new Settings(absolute, new SettingsLoader(absolute).load(environment, overrides));
    }

    /**
     * The home directory: {@code AGENTBUS_HOME}, which the launcher sets, or else the current directory.
     *
     * @param environment the process's variables
     * @return an absolute path
     */
    public static Path home(Map<String, String> environment) {
        return Path.of(environment.getOrDefault("AGENTBUS_HOME", ""))
                .toAbsolutePath()
                .normalize();
    }

    /**
     * The installation's directory.
     *
     * @return an absolute path
     */
    public Path home() {
        return home;
    }

    /**
     * The directory of keys, tokens and the embedded Postgres ({@code agentbus.data.dir}).
     *
     * @return an absolute path; the directory may not exist yet
     */
    public Path dataDirectory() {
        return path("agentbus.data.dir").orElse(home);
    }

    /**
     * The value of a setting as text.
     *
     * @param key a known setting
     * @return the value without surrounding blanks, possibly empty
     */
    public String text(String key) {
        return entry(key).value();
    }

    /**
     * The value of a setting as a path.
     *
     * @param key a known setting
     * @return an absolute path; a relative one is resolved against the home directory; empty if the setting is empty
     */
    public Optional<Path> path(String key) {
        String value = text(key);
        return value.isEmpty()
                ? Optional.empty()
                : Optional.of(home.resolve(value).normalize());
    }

    /**
     * The value of a setting as a whole number.
     *
     * @param key a known setting
     * @param min the smallest valid number
     * @param max the largest valid number
     * @return a number from min to max
     */
    public int integer(String key, int min, int max) {
        return (int) number(key, min, max, "a whole number");
    }

    /**
     * The value of a setting as a flag.
     *
     * @param key a known setting
     * @return whether the value is {@code true}
     */
    public boolean flag(String key) {
        return "true".equals(oneOf(key, "true", "false"));
    }

    /**
     * The value of a setting as one of a few words.
     *
     * @param key a known setting
     * @param allowed the valid words
     * @return one of them
     */
    public String oneOf(String key, String... allowed) {
        List<String> words = Arrays.asList(allowed);
        if (!words.contains(text(key))) {
            throw invalid(key, "must be one of " + String.join(", ", words));
        }
        return text(key);
    }

    /**
     * The value of a setting as a length of time. The key's name ends in the unit: {@code -ms}, {@code -seconds},
     * {@code -minutes}, {@code -hours} or {@code -days}.
     *
     * @param key a known setting
     * @return zero or more
     */
    public Duration duration(String key) {
        return duration(key, 0, Integer.MAX_VALUE);
    }

    /**
     * The value of a setting as a length of time within limits.
     *
     * @param key a known setting that ends in a unit
     * @param min the smallest valid number, in that unit
     * @param max the largest valid number, in that unit
     * @return a time from min to max
     * @throws IllegalArgumentException if the key has no unit
     */
    public Duration duration(String key, int min, int max) {
        Map.Entry<String, Long> unit = UNIT_MS.entrySet().stream()
                .filter(candidate -> key.endsWith(candidate.getKey()))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(key + " has no unit in its name"));
        String name = unit.getKey().substring(1);
        long number = number(key, min, max, "a whole number of " + (name.equals("ms") ? "milliseconds" : name));
        return Duration.ofMillis(number * unit.getValue());
    }

    /**
     * The value of a setting as the address of a server.
     *
     * @param key a known setting
     * @return such as {@code http://127.0.0.1:18789}; it has no path and no slash at the end
     */
    public URI server(String key) {
        String rule = "must be http://<host>:<port> or https://<host>:<port>, and nothing after that";
        try {
            URI uri = new URI(text(key));
            boolean http = "http".equals(uri.getScheme()) || "https".equals(uri.getScheme());
            boolean bare = uri.getUserInfo() == null
                    && "".equals(uri.getRawPath())
                    && uri.getRawQuery() == null
                    && uri.getRawFragment() == null;
            if (http && bare && uri.getHost() != null && uri.getPort() != 0 && uri.getPort() <= 65_535) {
                return uri;
            }
        } catch (URISyntaxException noAddress) {
            throw invalid(key, rule);
        }
        throw invalid(key, rule);
    }

    /**
     * The source of a value.
     *
     * @param key a known setting
     * @return such as {@code default}, {@code /etc/agentbus.properties, line 3} or {@code environment variable PGUSER}
     */
    public String source(String key) {
        return entry(key).source();
    }

    /**
     * The failure to throw for a value that only the caller can recognise as wrong.
     *
     * @param key a known setting
     * @param rule the rule, in words that follow "it", such as {@code must be …}
     * @return a failure that names the setting, its source and, unless it is secret, its value
     */
    public StartFailure invalid(String key, String rule) {
        return new StartFailure(key + " (" + source(key) + ") is " + shown(key, text(key)) + "; it " + rule);
    }

    /**
     * All settings, with Camel's own keys, for Camel's placeholders.
     *
     * @return a new object; its database URL has no user and no password, because Camel logs the values that it
     *     resolves
     */
    public Properties asProperties() {
        Properties properties = new Properties();
        entries.forEach(
                (key, entry) -> properties.setProperty(key, key.equals(URL_KEY) ? bare(entry.value()) : entry.value()));
        return properties;
    }

    /** Every setting that a source other than the defaults has set, with secrets hidden. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("Settings[home=").append(home);
        entries.forEach((key, entry) -> {
            if (!"default".equals(entry.source())) {
                text.append(", ").append(key).append('=').append(shown(key, entry.value()));
            }
        });
        return text.append(']').toString();
    }

    private long number(String key, int min, int max, String what) {
        String rule = "must be " + what + " from " + min + " to " + max;
        long number;
        try {
            number = Long.parseLong(text(key));
        } catch (NumberFormatException e) {
            throw invalid(key, rule);
        }
        if (number < min || number > max) {
            throw invalid(key, rule);
        }
        return number;
    }

    private SettingsLoader.Entry entry(String key) {
        SettingsLoader.Entry entry = entries.get(key);
        if (entry == null) {
            throw new IllegalArgumentException(key + " is not in application.properties");
        }
        return entry;
    }

    private static String shown(String key, String value) {
        if (value.isEmpty()) {
            return "empty";
        }
        if (key.matches(".*[.-](password|token|key)")) {
            return "(hidden)";
        }
        return "\"" + masked(value) + "\"";
    }

    /** Masks everything up to the last @, so that a password with an @ or a slash in it is covered too. */
    private static String masked(String value) {
        return value.replaceAll("://.*@", "://***@").replaceAll("(?i)(password=)[^&]*", "$1***");
    }

    private static String bare(String url) {
        return url.replaceAll("://.*@", "://").replaceAll("(?i)[?].*", "");
    }
}
