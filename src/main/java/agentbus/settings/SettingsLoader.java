package agentbus.settings;

import agentbus.text.Nearest;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/** Merges the sources of settings, weakest first, and refuses unknown settings. */
final class SettingsLoader {
    /** A value, with its source in words. */
    record Entry(String value, String source) {}

    private static final String PREFIX = "agentbus.";
    private static final String VARIABLE_PREFIX = "AGENTBUS_";
    private static final String FILE_SUFFIX = "-file";
    private static final String CONFIG_VARIABLE = "AGENTBUS_CONFIG";

    /** Variables that have the prefix and are not settings, such as those of the launcher and the command line. */
    private static final Set<String> OTHER_VARIABLES = Set.of(
            "AGENTBUS_URL",
            "AGENTBUS_TOKEN",
            CONFIG_VARIABLE,
            "AGENTBUS_HOME",
            "AGENTBUS_JAVA_OPTS",
            ServerKey.VARIABLE);

    private final Path home;
    private final Set<String> known = new TreeSet<>();
    private final Map<String, Entry> entries = new TreeMap<>();

    SettingsLoader(Path home) {
        this.home = home;
    }

    Map<String, Entry> load(Map<String, String> environment, Map<String, String> overrides) {
        loadDefaults();
        Map<String, Entry> file = readFile(environment.getOrDefault(CONFIG_VARIABLE, ""));
        // The list of gateways determines which other settings exist, so it is read before unknown settings are
        // refused. The strongest source of the list counts.
        addGateways(Stream.of(
                        entry(overrides.get(GatewayKeys.NAMES), "command line"),
                        entry(
                                environment.get(variable(GatewayKeys.NAMES)),
                                "environment variable " + variable(GatewayKeys.NAMES)),
                        Optional.ofNullable(file.get(GatewayKeys.NAMES)))
                .flatMap(Optional::stream)
                .findFirst());
        file.forEach((key, entry) -> requireKnown(key, entry.source()));
        apply(file);
        loadEnvironment(environment);
        loadOverrides(overrides);
        fallBack("agentbus.database.user", "PGUSER", environment);
        fallBack("agentbus.database.password", "PGPASSWORD", environment);
        return entries;
    }

    /**
     * The name of the environment variable for a setting.
     *
     * @param key such as {@code agentbus.http.max-body-bytes}
     * @return such as {@code AGENTBUS_HTTP_MAX_BODY_BYTES}
     */
    static String variable(String key) {
        return key.replace('.', '_').replace('-', '_').toUpperCase(Locale.ROOT);
    }

    private void loadDefaults() {
        Map<String, Entry> layer = new TreeMap<>();
        for (PropertiesFile.Line line : PropertiesFile.parse("application.properties", defaults())) {
            if (line.key().startsWith(PREFIX)) {
                know(line.key());
            }
            layer.put(line.key(), new Entry(line.value(), "default"));
        }
        apply(layer);
    }

    private static Optional<Entry> entry(String value, String source) {
        return Optional.ofNullable(value).map(given -> new Entry(given.strip(), source));
    }

    /** Adds the settings of each further gateway; their defaults are the defaults of the gateway {@code default}. */
    private void addGateways(Optional<Entry> names) {
        if (names.isEmpty()) {
            return;
        }
        for (String name : GatewayKeys.names(names.get().value(), names.get().source())) {
            for (String what : GatewayKeys.WHAT) {
                String key = GatewayKeys.key(name, what);
                if (known.stream().anyMatch(other -> variable(other).equals(variable(key)))) {
                    throw new StartFailure(GatewayKeys.NAMES + " ("
                            + names.get().source() + ") holds \"" + name + "\", whose variable " + variable(key)
                            + " another setting has; name it otherwise");
                }
                know(key);
                // The URL has no default, because two gateways cannot share an address.
                String usual = what.equals("url")
                        ? ""
                        : entries.get(GatewayKeys.key("default", what)).value();
                entries.put(key, new Entry(usual, "default"));
            }
        }
    }

    private void know(String key) {
        known.add(key);
        if (takesFile(key)) {
            known.add(key + FILE_SUFFIX);
        }
    }

    private Map<String, Entry> readFile(String named) {
        Path file = home.resolve(named.isBlank() ? "agentbus.properties" : named.strip());
        String text;
        try {
            if (named.isBlank() && !Files.exists(file)) {
                return Map.of();
            }
            text = Files.readString(file);
        } catch (IOException e) {
            String by = named.isBlank() ? "" : ", which the environment variable " + CONFIG_VARIABLE + " names";
            throw new StartFailure("cannot read the settings in " + file + by + ": " + SecretFile.reason(e), e);
        }
        Map<String, Entry> layer = new TreeMap<>();
        for (PropertiesFile.Line line : PropertiesFile.parse(file.toString(), text)) {
            layer.put(line.key(), new Entry(line.value(), file + ", line " + line.line()));
        }
        return layer;
    }

    private void loadEnvironment(Map<String, String> environment) {
        Map<String, String> keys = new TreeMap<>();
        known.forEach(key -> keys.put(variable(key), key));
        Map<String, Entry> layer = new TreeMap<>();
        String url = environment.getOrDefault("DATABASE_URL", "").strip();
        if (!url.isEmpty()) {
            layer.put("agentbus.database.url", new Entry(url, "environment variable DATABASE_URL"));
        }
        for (Map.Entry<String, String> variable : new TreeMap<>(environment).entrySet()) {
            String name = variable.getKey();
            String key = keys.get(name);
            if (key != null) {
                layer.put(key, new Entry(variable.getValue().strip(), "environment variable " + name));
            } else if (name.startsWith(VARIABLE_PREFIX) && !OTHER_VARIABLES.contains(name)) {
                Set<String> names = new TreeSet<>(keys.keySet());
                names.addAll(OTHER_VARIABLES);
                throw new StartFailure(
                        "the environment variable " + name + " is no setting of agentbus" + Nearest.meant(name, names));
            }
        }
        apply(layer);
    }

    private void loadOverrides(Map<String, String> overrides) {
        Map<String, Entry> layer = new TreeMap<>();
        overrides.forEach((key, value) -> {
            requireKnown(key, "command line");
            layer.put(key, new Entry(value.strip(), "command line"));
        });
        apply(layer);
    }

    /** Uses a variable that other programs also read, such as PGUSER, only if no source has set the setting. */
    private void fallBack(String key, String variable, Map<String, String> environment) {
        String value = environment.getOrDefault(variable, "");
        if (entries.get(key).value().isEmpty() && !value.isEmpty()) {
            entries.put(key, new Entry(value, "environment variable " + variable));
        }
    }

    /**
     * Applies one source. Within a source, a value and a file for the same setting are an error; between two sources,
     * the stronger wins.
     */
    private void apply(Map<String, Entry> layer) {
        for (Map.Entry<String, Entry> setting : layer.entrySet()) {
            String key = setting.getKey();
            Entry entry = setting.getValue();
            if (!key.endsWith(FILE_SUFFIX) || !takesFile(target(key))) {
                entries.put(key, entry);
            } else if (!entry.value().isEmpty()) {
                if (layer.containsKey(target(key))
                        && !layer.get(target(key)).value().isEmpty()) {
                    throw new StartFailure(key + " (" + entry.source() + ") and " + target(key) + " ("
                            + layer.get(target(key)).source() + ") are both set; keep one");
                }
                entries.put(target(key), secret(key, entry));
            }
        }
    }

    private Entry secret(String key, Entry entry) {
        Path file = home.resolve(entry.value());
        try {
            return new Entry(Files.readString(file).strip(), "file " + file);
        } catch (IOException e) {
            throw new StartFailure(
                    "cannot read " + file + ", which " + key + " (" + entry.source() + ") names: "
                            + SecretFile.reason(e),
                    e);
        }
    }

    private void requireKnown(String key, String where) {
        if (known.contains(key)) {
            return;
        }
        // Keys of Camel and of the installation's own routes are accepted. A key with a misspelt "agentbus." is
        // refused, because it would otherwise be accepted as one of them.
        boolean ours = key.startsWith(PREFIX)
                || Nearest.of(key.split("\\.", 2)[0], List.of("agentbus")).isPresent();
        if (ours) {
            throw new StartFailure(where + ": " + key + " is no setting of agentbus" + Nearest.meant(key, known));
        }
    }

    private static boolean takesFile(String key) {
        return key.endsWith(".password") || key.endsWith(".token") || key.endsWith("-token");
    }

    private static String target(String key) {
        return key.substring(0, key.length() - FILE_SUFFIX.length());
    }

    private static String defaults() {
        try (InputStream in = SettingsLoader.class.getResourceAsStream("/application.properties")) {
            if (in == null) {
                throw new StartFailure("application.properties is not on the class path; build agentbus again");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
