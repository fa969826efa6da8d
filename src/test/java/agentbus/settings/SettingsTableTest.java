package agentbus.settings;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** One table describes every setting, and the file of settings, the guide and the checks agree with it. */
class SettingsTableTest {
    private static final Path FILE = Path.of("src/main/resources/application.properties");
    private static final Path GUIDE = Path.of("docs/guide/settings.md");
    private static final int WIDTH = 120;
    private static final Pattern LIMITS = Pattern.compile("a whole number .*from (-?\\d+) to (\\d+)");

    @TempDir
    Path home;

    @Test
    void the_file_of_settings_has_the_tables_comments_and_defaults() throws IOException {
        StringBuilder expected = new StringBuilder();
        SettingsTable.all().forEach(setting -> expected.append(commented(setting)));
        assertPart(FILE, "# unchanged.\n\n", "# ---- Settings of Camel", expected.toString());
    }

    @Test
    void the_guide_has_the_tables_rows() throws IOException {
        StringBuilder expected =
                new StringBuilder("| setting | values | default | purpose |\n| --- | --- | --- | --- |\n");
        for (Setting setting : SettingsTable.all()) {
            expected.append("| `%s` | %s | %s | %s |\n"
                    .formatted(
                            setting.name(),
                            markdown(setting.kind().values()),
                            markdown(setting.usualInWords()),
                            markdown(setting.purpose())));
        }
        assertPart(GUIDE, "## All settings\n\n", "\n## ", expected.toString());
    }

    @Test
    void every_default_is_a_valid_value() {
        for (Setting setting : SettingsTable.all()) {
            if (!setting.usual().isEmpty()) {
                assertEquals(Optional.empty(), setting.kind().mistake().apply(setting.usual()), setting.name());
            }
        }
    }

    @Test
    void no_setting_is_there_twice_and_each_has_a_sentence() {
        Set<String> names = new HashSet<>();
        for (Setting setting : SettingsTable.all()) {
            assertTrue(names.add(setting.name()), setting.name());
            assertTrue(setting.purpose().endsWith("."), setting.name());
            assertFalse(setting.usual().isEmpty() == setting.whenEmpty().isEmpty(), setting.name());
        }
    }

    static Stream<String> allSettings() {
        return SettingsTable.all().stream().map(Setting::name);
    }

    @ParameterizedTest
    @MethodSource("allSettings")
    void every_setting_refuses_a_wrong_value_from_every_source_before_anything_is_opened(String name)
            throws IOException {
        for (String wrong : wrongValues(SettingsTable.find(name).orElseThrow())) {
            assertRefused(name, "command line", Map.of(), Map.of(name, wrong));
            String variable = Variables.of(name);
            assertRefused(name, "environment variable " + variable, Map.of(variable, wrong), Map.of());
            Path file = home.resolve("agentbus.properties");
            Files.writeString(file, name + "=" + wrong.replace("\\", "\\\\").replace("\n", "\\n") + "\n");
            assertRefused(name, file + ", line 1", Map.of(), Map.of());
            Files.delete(file);
        }
        try (Stream<Path> written = Files.list(home)) {
            assertEquals(List.of(), written.toList());
        }
    }

    @ParameterizedTest
    @MethodSource("allSettings")
    void an_empty_value_counts_as_not_set_in_every_source(String name) throws IOException {
        Settings usual = Settings.load(home, Map.of(), Map.of());
        Files.writeString(home.resolve("agentbus.properties"), name + "=\n");
        Settings empty = Settings.load(home, Map.of(Variables.of(name), " "), Map.of(name, ""));
        assertEquals(usual.asProperties(), empty.asProperties());
        assertEquals("default", empty.source(name));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "agentbus.dispatch.recover-ms | 0    | a whole number of milliseconds from 50 to 600000",
                "agentbus.dispatch.recover-ms | abc  | a whole number of milliseconds from 50 to 600000",
                "agentbus.dispatch.recover-ms | 5s   | a whole number of milliseconds from 50 to 600000",
                "agentbus.dispatch.recover-ms | +100 | a whole number of milliseconds from 50 to 600000",
                "agentbus.dispatch.recover-ms | ٥٠٠  | a whole number of milliseconds from 50 to 600000",
                "agentbus.audit.seconds       | 0    | a whole number of seconds from 1 to 3600",
                "agentbus.history.keep-days   | -1   | a whole number of days from 1 to 3650",
                "agentbus.stop.drain-seconds  | 0    | a whole number of seconds from 1 to 3600",
                "agentbus.http.port           | 99999999999999999999999 | a whole number from 0 to 65535",
                "agentbus.history.cron        | 0 99 * * * ? | in UTC: 99 is beyond the range of every field",
                "agentbus.history.cron        | 0 61 * * * ? | Minute and Second values must be between 0 and 59",
                "agentbus.history.cron        | x            | must be a Quartz cron expression in UTC: ",
                "agentbus.history.cron        | 0 0 0 1 1 ? 2020 | this one never fires again",
                "agentbus.history.cron        | 0 0 0 30 2 ?     | this one never fires again",
                "agentbus.history.cron        | 41 * * * *       | Quartz",
                "agentbus.http.public-url     | ftp://x          | must be http://<host>:<port>",
                "agentbus.http.public-url     | bus.example.org  | must be http://<host>:<port>",
                "agentbus.http.public-url     | https://u:p@x    | must be http://<host>:<port>",
                "agentbus.http.public-url     | https://x/$(id)  | must be http://<host>:<port>",
                "agentbus.http.public-url     | https://x?a=b    | must be http://<host>:<port>",
                "agentbus.http.public-url     | http://a_b:0     | must be http://<host>:<port>",
                "agentbus.http.public-url     | http://u@a_b     | must be http://<host>:<port>",
                "agentbus.http.host           | my host          | must be the name or number",
                "agentbus.dispatch.wake       | push             | must be one of listen, poll",
            })
    void a_wrong_value_is_refused_with_its_rule(String name, String value, String rule) {
        String told = assertRefused(name, "command line", Map.of(), Map.of(name, value));
        assertTrue(told.contains(rule), told);
    }

    @ParameterizedTest
    @CsvSource({
        "agentbus.http.public-url, https://bus.example.org",
        "agentbus.http.public-url, https://bus.example.org:8443/agents/bus/",
        "agentbus.http.public-url, 'http://[::1]:8080'",
        "agentbus.http.public-url, http://agent_bus:8080",
        "agentbus.gateway.operator-token, zwei Wörter",
        "agentbus.http.host, ::1",
        "agentbus.http.host, 0.0.0.0",
        "agentbus.http.host, localhost",
        "agentbus.history.cron, 0 0 3 ? * SUN",
        "agentbus.gateway.token, a+b/c=~!",
        "agentbus.data.dir, Pfad mit Ümläut",
    })
    void a_usual_value_is_accepted(String name, String value) {
        assertEquals(value, Settings.load(home, Map.of(), Map.of(name, value)).text(name));
    }

    @Test
    void a_token_with_a_line_break_is_refused_without_repeating_it() throws IOException {
        Path file = Files.writeString(home.resolve("token"), "hidden\nhidden\n");
        for (Map<String, String> overrides : List.of(
                Map.of("agentbus.gateway.token", "hidden\nhidden"),
                Map.of("agentbus.gateway.token-file", file.toString()),
                Map.of(
                        "agentbus.gateways", "east",
                        "agentbus.gateway.east.url", "http://127.0.0.1:2",
                        "agentbus.gateway.east.token", "hidden\u00fc"))) {
            String told = assertThrows(StartFailure.class, () -> Settings.load(home, Map.of(), overrides))
                    .getMessage();
            assertTrue(told.contains("is (hidden); it must be one word of visible ASCII characters"), told);
            assertFalse(told.contains("hiddenü") || told.contains("hidden hidden"), told);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "camel.server.port                   | abc  | it follows agentbus.http.port; set that",
                "camel.server.max-body-size          | 1    | it follows agentbus.http.max-body-bytes; set that",
                "camel.main.shutdownTimeout          | 0    | it follows agentbus.stop.drain-seconds; set that",
                "camel.server.prot                   | 1    | it is no option of Camel; did you mean camel.server.port?",
                "camel.server.enabled                | yes  | it must be one of true, false",
                "camel.server.useGlobalSslContextParameters | 1    | it must be one of true, false",
                "camel.main.routesReloadDirectoryRecursive | x | it must be one of true, false",
                "camel.component.http.connectTimeout | abc  | it must be a whole number, or a time such as 5s",
                "camel.component.http.maxTotalConnections | many | it must be a whole number",
                "camel.component.sql.serviceLocationEnabled | x | it must be one of true, false",
            })
    void a_wrong_option_of_camel_is_refused(String key, String value, String rule) {
        String told = assertRefused(key, "command line", Map.of(), Map.of(key, value));
        assertTrue(told.endsWith(" is \"" + value + "\"; " + rule), told);
    }

    @ParameterizedTest
    @CsvSource({
        "camel.main.name, bus",
        "camel.main.durationMaxSeconds, 20",
        "camel.component.http.connectTimeout, 5s",
        "camel.component.http.maxTotalConnections, '{{shop.connections}}'",
        "camel.component.no-such-component.thing, x",
        "camel.beans.x, y",
        "camel.dataformat.jackson.prettyPrint, true",
    })
    void other_options_go_to_camel(String key, String value) {
        assertEquals(value, Settings.load(home, Map.of(), Map.of(key, value)).text(key));
    }

    private String assertRefused(
            String name, String source, Map<String, String> environment, Map<String, String> overrides) {
        String told = assertThrows(
                        StartFailure.class, () -> Settings.load(home, environment, overrides), name + " " + overrides)
                .getMessage();
        assertTrue(told.startsWith(name + " (" + source + ") "), told);
        return told;
    }

    /** One value beyond each limit, and values of another type. */
    private static List<String> wrongValues(Setting setting) {
        List<String> wrong = new ArrayList<>(List.of("1\n2"));
        Matcher limits = LIMITS.matcher(setting.kind().values());
        if (limits.matches()) {
            wrong.add(String.valueOf(Long.parseLong(limits.group(1)) - 1));
            wrong.add(String.valueOf(Long.parseLong(limits.group(2)) + 1));
            wrong.addAll(List.of("abc", "1.5", "1 2"));
        } else if (setting.kind().values().startsWith("one of ")) {
            wrong.addAll(List.of("0", "TRUE", "yes"));
        }
        return wrong;
    }

    private static String commented(Setting setting) {
        String text =
                setting.text() + " Value: " + setting.kind().values() + ". Default: " + setting.usualInWords() + ".";
        StringBuilder comment = new StringBuilder();
        StringBuilder line = new StringBuilder("#");
        for (String word : text.split(" ")) {
            if (line.length() + 1 + word.length() > WIDTH) {
                comment.append(line).append('\n');
                line = new StringBuilder("#");
            }
            line.append(' ').append(word);
        }
        return comment.append(line) + "\n" + setting.name() + "=" + setting.usual() + "\n\n";
    }

    private static String markdown(String text) {
        return text.contains(" * ") ? "`" + text + "`" : text.replaceAll("\\S*(://|[*])[^ ,;]*", "`$0`");
    }

    /** On a difference, the right text is in {@code target}, to be copied. */
    private static void assertPart(Path file, String before, String after, String expected) throws IOException {
        String text = Files.readString(file);
        int start = text.indexOf(before) + before.length();
        int end = text.indexOf(after, start);
        String actual = text.substring(start, end);
        if (!actual.equals(expected)) {
            Path right = Path.of("target").resolve(file.getFileName());
            Files.writeString(right, text.substring(0, start) + expected + text.substring(end));
            assertEquals(expected, actual, "the settings in " + file + " differ from SettingsTable: copy " + right);
        }
    }
}
