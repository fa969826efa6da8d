package agentbus.settings;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
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
 *   <li>the defaults, which {@code application.properties} lists with a comment each
 *   <li>{@code agentbus.properties} in the home directory, or the file that {@code AGENTBUS_CONFIG} names
 *   <li>the environment
 *   <li>the command line
 * </ol>
 *
 * <p>An empty value counts as not set, whatever its source. In the environment, {@code agentbus.a.b-c} is {@code AGENTBUS_A_B_C}, and {@code DATABASE_URL} sets
 * {@code agentbus.database.url}. A key that ends in {@code .password}, {@code .token} or {@code -token} may be given as
 * {@code <key>-file}, the path of a file that holds the value.
 *
 * <p>{@link SettingsTable} has the rule of every setting. The failure for a value that breaks it names the setting, the
 * source of the value, the value unless it is secret, and the rule.
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
     * Reads all sources, and checks every value.
     *
     * @param home the installation's directory; relative paths in settings start there
     * @param environment the process's variables
     * @param overrides the settings of the command line, the strongest source
     * @return the settings
     * @throws StartFailure if a file cannot be read, a setting does not exist, or a value breaks the setting's rule
     */
    public static Settings load(Path home, Map<String, String> environment, Map<String, String> overrides) {
        Path absolute = home.toAbsolutePath().normalize();
        Settings settings = new Settings(absolute, new SettingsLoader(absolute).load(environment, overrides));
        settings.check();
        return settings;
    }

    /**
     * The home directory: {@code AGENTBUS_HOME}, which the launcher sets, or else the current directory.
     *
     * @param environment the process's variables
     * @return an absolute path
     */
    public static Path home(Map<String, String> environment) {
        return Path.of(environment.getOrDefault("AGENTBUS_HOME", "").strip())
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
     * @param key a known setting that is a whole number
     * @return a number within the setting's limits
     */
    public int integer(String key) {
        return Integer.parseInt(text(key));
    }

    /**
     * The value of a setting as a flag.
     *
     * @param key a known setting that is true or false
     * @return whether the value is {@code true}
     */
    public boolean flag(String key) {
        return "true".equals(text(key));
    }

    /**
     * The value of a setting as a length of time. The key's name ends in the unit: {@code -ms}, {@code -seconds},
     * {@code -minutes}, {@code -hours} or {@code -days}.
     *
     * @param key a known setting that ends in a unit
     * @return a time within the setting's limits
     * @throws IllegalArgumentException if the key has no unit
     */
    public Duration duration(String key) {
        long unit = UNIT_MS.entrySet().stream()
                .filter(candidate -> key.endsWith(candidate.getKey()))
                .map(Map.Entry::getValue)
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(key + " has no unit in its name"));
        return Duration.ofMillis(integer(key) * unit);
    }

    /**
     * The value of a setting as the address of a server.
     *
     * @param key a known setting that is such an address
     * @return such as {@code http://127.0.0.1:18789}; it has no path and no slash at the end
     */
    public URI server(String key) {
        return URI.create(text(key));
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
            if (!SettingsLoader.DEFAULT.equals(entry.source())) {
                text.append(", ").append(key).append('=').append(shown(key, entry.value()));
            }
        });
        return text.append(']').toString();
    }

    private void check() {
        CamelOptions camel = new CamelOptions(SettingsLoader.camelDefaults());
        for (String key : entries.keySet()) {
            Optional<String> mistake = SettingsTable.find(key)
                    // Empty is a value of its own for a setting without a default.
                    .filter(setting -> !text(key).isEmpty() || !setting.usual().isEmpty())
                    .flatMap(setting -> setting.kind().mistake().apply(text(key)));
            if (mistake.isEmpty() && !text(key).isEmpty() && !source(key).equals(SettingsLoader.DEFAULT)) {
                mistake = camel.mistake(key, text(key));
            }
            if (mistake.isPresent()) {
                throw invalid(key, mistake.get());
            }
        }
    }

    private SettingsLoader.Entry entry(String key) {
        SettingsLoader.Entry entry = entries.get(key);
        if (entry == null) {
            throw new IllegalArgumentException(key + " is not in SettingsTable");
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
