package agentbus.settings;

import agentbus.text.Nearest;
import agentbus.text.TextFile;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Merges the sources of settings, weakest first, and refuses unknown settings. */
final class SettingsLoader {
    /** A value, with its source in words. */
    record Entry(String value, String source) {}

    /** The source of a value that no other source has set. */
    static final String DEFAULT = "default";

    private static final String PREFIX = "agentbus.";
    private static final String FILE_SUFFIX = "-file";
    private static final String URL_VARIABLE = "DATABASE_URL";
    private static final Logger LOG = LoggerFactory.getLogger(SettingsLoader.class);

    private final Path home;
    private final Set<String> known = new TreeSet<>();
    private final Map<String, Entry> entries = new TreeMap<>();

    SettingsLoader(Path home) {
        this.home = home;
    }

    Map<String, Entry> load(Map<String, String> environment, Map<String, String> overrides) {
        loadDefaults();
        Map<String, Entry> file = readFile(environment.getOrDefault(Variables.CONFIG, ""));
        // The list of gateways determines which other settings exist, so it is read before unknown settings are
        // refused. The strongest source of the list counts.
        addGateways(Stream.of(
                        entry(overrides.get(GatewayKeys.NAMES), "command line"),
                        entry(
                                environment.get(Variables.of(GatewayKeys.NAMES)),
                                "environment variable " + Variables.of(GatewayKeys.NAMES)),
                        Optional.ofNullable(file.get(GatewayKeys.NAMES))
                                .filter(given -> !given.value().isEmpty()))
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

    private void loadDefaults() {
        for (Setting setting : SettingsTable.all()) {
            know(setting.name());
            entries.put(setting.name(), new Entry(setting.usual(), DEFAULT));
        }
        camelDefaults().forEach((key, value) -> entries.put(key, new Entry(value, DEFAULT)));
    }

    /**
     * The keys of Camel in {@code application.properties}.
     *
     * @return the values by key
     */
    static Map<String, String> camelDefaults() {
        Map<String, String> values = new TreeMap<>();
        for (PropertiesFile.Line line : PropertiesFile.parse("application.properties", defaults())) {
            if (!line.key().startsWith(PREFIX)) {
                values.put(line.key(), line.value());
            }
        }
        return values;
    }

    private static Optional<Entry> entry(String value, String source) {
        return Optional.ofNullable(value)
                .map(String::strip)
                .filter(given -> !given.isEmpty())
                .map(given -> new Entry(given, source));
    }

    /** Adds the settings of each further gateway; their defaults are the defaults of the gateway {@code default}. */
    private void addGateways(Optional<Entry> names) {
        if (names.isEmpty()) {
            return;
        }
        for (String name : GatewayKeys.names(names.get().value(), names.get().source())) {
            for (String what : GatewayKeys.WHAT) {
                String key = GatewayKeys.key(name, what);
                if (known.stream().anyMatch(other -> Variables.of(other).equals(Variables.of(key)))) {
                    throw new StartFailure(GatewayKeys.NAMES + " ("
                            + names.get().source() + ") holds \"" + name + "\", whose variable " + Variables.of(key)
                            + " another setting has; name it otherwise");
                }
                know(key);
                // The URL has no default, because two gateways cannot share an address.
                String usual = what.equals("url")
                        ? ""
                        : entries.get(GatewayKeys.key(GatewayKeys.DEFAULT, what))
                                .value();
                entries.put(key, new Entry(usual, DEFAULT));
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
            text = TextFile.read(file);
        } catch (IOException e) {
            String by = named.isBlank() ? "" : ", which the environment variable " + Variables.CONFIG + " names";
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
        known.forEach(key -> keys.put(Variables.of(key), key));
        Variables variables = new Variables(keys);
        Map<String, Entry> layer = new TreeMap<>();
        entry(environment.get(URL_VARIABLE), "environment variable " + URL_VARIABLE)
                .ifPresent(url -> layer.put("agentbus.database.url", url));
        List<String> foreign = new ArrayList<>();
        new TreeMap<>(environment).forEach((name, value) -> {
            Optional<String> key = variables.setting(name, value);
            if (key.isPresent()) {
                entry(value, "environment variable " + name).ifPresent(entry -> layer.put(key.get(), entry));
            } else if (variables.isForeign(name, value)) {
                foreign.add(name);
            }
        });
        if (!foreign.isEmpty()) {
            LOG.info("Not settings of agentbus, and passed over: {}", String.join(", ", foreign));
        }
        apply(layer);
    }

    private void loadOverrides(Map<String, String> overrides) {
        Map<String, Entry> layer = new TreeMap<>();
        overrides.forEach((key, value) -> {
            requireKnown(key, "command line");
            entry(value, "command line").ifPresent(entry -> layer.put(key, entry));
        });
        apply(layer);
    }

    /** Uses a variable that other programs also read, such as PGUSER, only if no source has set the setting. */
    private void fallBack(String key, String variable, Map<String, String> environment) {
        if (entries.get(key).value().isEmpty()) {
            entry(environment.get(variable), "environment variable " + variable)
                    .ifPresent(entry -> entries.put(key, entry));
        }
    }

    /**
     * Applies one source. An empty value counts as not set. Within a source, a value and a file for the same setting
     * are an error; between two sources, the stronger wins.
     */
    private void apply(Map<String, Entry> layer) {
        layer.forEach((key, entry) -> {
            String target = isFileKey(key) ? key.substring(0, key.length() - FILE_SUFFIX.length()) : key;
            if (entry.value().isEmpty()) {
                // A key of the installation's own routes keeps its empty value, because it has no default.
                entries.putIfAbsent(target, entry);
            } else if (!isFileKey(key)) {
                entries.put(key, entry);
            } else if (layer.containsKey(target) && !layer.get(target).value().isEmpty()) {
                throw new StartFailure(key + " (" + entry.source() + ") and " + target + " ("
                        + layer.get(target).source() + ") are both set; keep one");
            } else {
                entries.put(target, secret(key, entry));
            }
        });
    }

    private Entry secret(String key, Entry entry) {
        String named = ", which " + key + " (" + entry.source() + ") names";
        try {
            Path file = home.resolve(entry.value());
            String secret = TextFile.read(file).strip();
            if (secret.isEmpty()) {
                throw new StartFailure(file + named + ", is empty; it must hold the secret");
            }
            return new Entry(secret, "file " + file);
        } catch (IOException e) {
            throw new StartFailure(
                    "cannot read " + home.resolve(entry.value()) + named + ": " + SecretFile.reason(e), e);
        } catch (InvalidPathException impossible) {
            throw new StartFailure(key + " (" + entry.source() + ") must be the path of a file", impossible);
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

    private static boolean isFileKey(String key) {
        return key.endsWith(FILE_SUFFIX) && takesFile(key.substring(0, key.length() - FILE_SUFFIX.length()));
    }

    private static boolean takesFile(String key) {
        return key.endsWith(".password") || key.endsWith(".token") || key.endsWith("-token");
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
