package agentbus.settings;

import agentbus.text.Nearest;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.camel.spi.ExtendedPropertyConfigurerGetter;
import org.apache.camel.spi.PropertyConfigurerGetter;

/**
 * Checks Camel's own options before the start, because Camel finds a wrong one only when the database is open, and
 * accepts a wrong port without a word. Camel declares the type of each option in a resource of its jars.
 */
final class CamelOptions {
    private static final String PREFIX = "camel.";
    private static final String COMPONENT = "component.";
    private static final String DECLARATIONS = "META-INF/services/org/apache/camel/configurer/";
    private static final Map<String, String> GROUPS = Map.of(
            "main", "MainConfigurationProperties",
            "server", "HttpServerConfigurationProperties",
            "management", "HttpManagementServerConfigurationProperties",
            "health", "HealthConfigurationProperties",
            "metrics", "MetricsConfigurationProperties",
            "rest", "RestConfigurationProperties",
            "ssl", "SSLConfigurationProperties");

    /** Where Camel serves health and metrics; the door protects this path by its name. */
    private static final String OBSERVED = plain("camel.management.path");

    private static final Pattern PLACEHOLDER = Pattern.compile("\\{\\{\\??([a-zA-Z0-9._-]+)}}");
    private static final Pattern WHOLE = Pattern.compile("-?[0-9]{1,18}");
    private static final Pattern TIME = Pattern.compile("[0-9]{1,18}|([0-9]{1,18}(ms|s|m|h|d))+");

    private final Map<String, String> defaults = new TreeMap<>();
    private final Map<String, Optional<PropertyConfigurerGetter>> groups = new TreeMap<>();

    /**
     * The checks.
     *
     * @param defaults the values in {@code application.properties}
     */
    CamelOptions(Map<String, String> defaults) {
        defaults.forEach((key, value) -> this.defaults.put(plain(key), value));
    }

    /**
     * Checks an option.
     *
     * @param key such as {@code camel.server.maxBodySize}; other keys are accepted
     * @param value the value, not empty
     * @return the rule that it breaks, in words that follow "it"; empty for a valid value
     */
    Optional<String> mistake(String key, String value) {
        if (!key.startsWith(PREFIX)) {
            return Optional.empty();
        }
        String usual = defaults.getOrDefault(plain(key), "");
        var derived = PLACEHOLDER.matcher(usual);
        if (derived.matches()) {
            return Optional.of("follows " + derived.group(1) + "; set that");
        }
        if (plain(key).equals(OBSERVED)) {
            return Optional.of("must stay /observe, which agentbus.observe.token protects");
        }
        int end = key.lastIndexOf('.') + 1;
        Optional<PropertyConfigurerGetter> group = groups.computeIfAbsent(
                key.substring(PREFIX.length(), Math.max(end - 1, PREFIX.length())), CamelOptions::read);
        if (group.isEmpty() || value.contains("{{")) {
            return Optional.empty();
        }
        String option = key.substring(end);
        Class<?> type = group.get().getOptionType(plain(option), true);
        if (type == null && group.get() instanceof ExtendedPropertyConfigurerGetter all) {
            Set<String> known = all.getAllOptions(null).keySet().stream()
                    .map(name ->
                            key.substring(0, end) + name.substring(0, 1).toLowerCase(Locale.ROOT) + name.substring(1))
                    .collect(Collectors.toSet());
            return Nearest.of(key, known).map(name -> "is no option of Camel; " + Nearest.question(name));
        }
        return type == null ? Optional.empty() : mistake(type, usual, value);
    }

    private static Optional<String> mistake(Class<?> type, String usual, String value) {
        if (type == boolean.class || type == Boolean.class) {
            return rule(Set.of("true", "false").contains(value), "one of true, false");
        }
        if (type == int.class || type == Integer.class) {
            return rule(
                    WHOLE.matcher(value).matches() && Long.parseLong(value) == (int) Long.parseLong(value),
                    "a whole number");
        }
        if (type == long.class || type == Long.class || WHOLE.matcher(usual).matches()) {
            return rule(
                    TIME.matcher(value).matches() || WHOLE.matcher(value).matches(),
                    "a whole number, or a time such as 5s");
        }
        if (type.isEnum()) {
            Set<String> words =
                    Arrays.stream(type.getEnumConstants()).map(String::valueOf).collect(Collectors.toSet());
            return rule(
                    words.stream().anyMatch(word -> plain(word).equals(plain(value))),
                    "one of " + words.stream().sorted().collect(Collectors.joining(", ")));
        }
        return Optional.empty();
    }

    private static Optional<String> rule(boolean holds, String values) {
        return holds ? Optional.empty() : Optional.of("must be " + values);
    }

    /** The types of a group's options; empty if Camel declares none. */
    private static Optional<PropertyConfigurerGetter> read(String group) {
        String declaration = group.startsWith(COMPONENT)
                ? group.substring(COMPONENT.length()) + "-component"
                : "org.apache.camel.main." + GROUPS.get(group);
        try (InputStream in = CamelOptions.class.getClassLoader().getResourceAsStream(DECLARATIONS + declaration)) {
            if (in == null) {
                return Optional.empty();
            }
            Properties properties = new Properties();
            properties.load(in);
            return Optional.of((PropertyConfigurerGetter) Class.forName(properties.getProperty("class"))
                    .getDeclaredConstructor()
                    .newInstance());
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        } catch (ReflectiveOperationException otherCamel) {
            throw new IllegalStateException("Camel has no class for " + declaration, otherCamel);
        }
    }

    private static String plain(String name) {
        return name.replace("-", "").replace("_", "").toLowerCase(Locale.ROOT);
    }
}
