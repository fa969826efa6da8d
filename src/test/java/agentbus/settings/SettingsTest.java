package agentbus.settings;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.dispatch.Gateway;
import agentbus.dispatch.GatewaySettings;
import agentbus.dispatch.Gateways;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SettingsTest {
    private static final String PORT = "agentbus.http.port";

    @TempDir
    Path home;

    private final Map<String, String> environment = new HashMap<>();
    private final Map<String, String> overrides = new HashMap<>();

    @Test
    void without_any_source_the_defaults_hold() {
        assertEquals(8080, load().integer(PORT));
        assertEquals("default", load().source(PORT));
        assertEquals("", load().text("agentbus.database.url"));
        assertEquals(home.resolve("data"), load().dataDirectory());
    }

    @Test
    void a_stronger_source_wins_over_a_weaker_one() throws IOException {
        file("agentbus.properties", "# mine\nagentbus.http.port = 1\n");
        assertEquals(1, load().integer(PORT));
        assertEquals(home.resolve("agentbus.properties") + ", line 2", load().source(PORT));

        environment.put("AGENTBUS_HTTP_PORT", "2");
        assertEquals(2, load().integer(PORT));
        assertEquals("environment variable AGENTBUS_HTTP_PORT", load().source(PORT));

        overrides.put(PORT, "3");
        assertEquals(3, load().integer(PORT));
        assertEquals("command line", load().source(PORT));
    }

    @Test
    void dots_and_dashes_are_underscores_in_the_environment() {
        environment.put("AGENTBUS_DATABASE_POOL_SIZE", "7");
        assertEquals(7, load().integer("agentbus.database.pool-size"));
    }

    @Test
    void no_two_settings_share_a_variable() {
        Properties all = load().asProperties();
        long variables =
                all.stringPropertyNames().stream().map(Variables::of).distinct().count();
        assertEquals(all.size(), variables);
    }

    @Test
    void the_variable_names_another_file() throws IOException {
        file("other.properties", "agentbus.http.port=5\n");
        environment.put("AGENTBUS_CONFIG", home.resolve("other.properties").toString());
        assertEquals(5, load().integer(PORT));
    }

    @Test
    void a_named_file_that_is_missing_is_a_failure() {
        environment.put("AGENTBUS_CONFIG", "missing.properties");
        assertFailure("cannot read the settings in " + home.resolve("missing.properties")
                + ", which the environment variable AGENTBUS_CONFIG names: no such file");
    }

    @Test
    void an_unknown_setting_in_a_file_is_told_with_its_line_and_the_nearest_name() throws IOException {
        file("agentbus.properties", "\nagentbus.phase=1\nagentbus.htp.port=1\n");
        assertFailure(home.resolve("agentbus.properties")
                + ", line 3: agentbus.htp.port is no setting of agentbus; did you mean agentbus.http.port?");
    }

    @Test
    void an_empty_variable_leaves_the_well_known_url() {
        environment.put("DATABASE_URL", "postgresql://a");
        environment.put("AGENTBUS_DATABASE_URL", "");
        assertEquals("postgresql://a", load().text("agentbus.database.url"));
        environment.put("AGENTBUS_DATABASE_USER", " ");
        environment.put("PGUSER", "u");
        assertEquals("u", load().text("agentbus.database.user"));
        environment.put("PGPASSWORD", " ");
        assertEquals("default", load().source("agentbus.database.password"));
    }

    @Test
    void an_empty_list_of_gateways_leaves_that_of_the_file() throws IOException {
        file("agentbus.properties", "agentbus.gateways=east\nagentbus.gateway.east.url=http://127.0.0.1:2\n");
        environment.put("AGENTBUS_GATEWAYS", "");
        overrides.put("agentbus.gateways", " ");
        assertEquals("http://127.0.0.1:2", load().text("agentbus.gateway.east.url"));
    }

    @Test
    void an_empty_secret_file_is_told() throws IOException {
        Path file = Files.writeString(home.resolve("secret"), " \n");
        environment.put("AGENTBUS_GATEWAY_TOKEN_FILE", file.toString());
        assertFailure(file + ", which agentbus.gateway.token-file (environment variable AGENTBUS_GATEWAY_TOKEN_FILE)"
                + " names, is empty; it must hold the secret");
    }

    @Test
    void a_file_in_another_encoding_is_told_with_its_line() throws IOException {
        Path file = Files.write(
                home.resolve("agentbus.properties"),
                "agentbus.phase=1\nagentbus.data.dir=K\u00f6ln\n".getBytes(StandardCharsets.ISO_8859_1));
        assertFailure("cannot read the settings in " + file
                + ": line 2 has the byte 0xF6, which is not UTF-8 (it may be" + " Latin-1); save it as UTF-8");
        Files.write(file, "agentbus.phase=1\n".getBytes(StandardCharsets.UTF_16));
        assertFailure("cannot read the settings in " + file + ": it is UTF-16 and must be UTF-8; save it as UTF-8");

        Files.delete(file);
        Path secret = Files.write(home.resolve("secret"), new byte[] {'a', (byte) 0xFC});
        overrides.put("agentbus.database.password-file", "secret");
        assertFailure("cannot read " + secret
                + ", which agentbus.database.password-file (command line) names: line 1 has" + " the byte 0xFC");
    }

    @Test
    void a_byte_order_mark_is_no_part_of_a_file() throws IOException {
        file("agentbus.properties", "\uFEFFagentbus.phase=2\n");
        file("secret", "\uFEFFhidden\n");
        overrides.put("agentbus.database.password-file", "secret");
        assertEquals(2, load().integer("agentbus.phase"));
        assertEquals("hidden", load().text("agentbus.database.password"));
    }

    @Test
    void a_named_gateway_has_settings_of_its_own_and_the_defaults_of_the_first() throws IOException {
        file(
                "agentbus.properties",
                "agentbus.gateways=east, west\nagentbus.gateway.form=direct\nagentbus.gateway.east.url=http://127.0.0.1:2\n"
                        + "agentbus.gateway.east.operator-token-file=east.token\n");
        file("east.token", "secret\n");
        environment.put("AGENTBUS_GATEWAY_EAST_TOKEN", "hook");
        overrides.put("agentbus.gateway.west.url", "http://127.0.0.1:3");
        overrides.put("agentbus.gateway.west.max-in-flight", "3");

        Gateways gateways = GatewaySettings.read(load());

        Gateway east = gateways.named("east");
        assertEquals("http://127.0.0.1:2", east.url().toString());
        assertEquals("hook", east.token());
        assertEquals("secret", east.operatorToken());
        assertEquals(Gateway.Form.MAPPED, east.form(), "the default's default, not its value");
        assertEquals(7, east.maxInFlight());
        assertEquals(3, gateways.named("west").maxInFlight());
        assertEquals(List.of("east"), gateways.dispatchable());
        assertEquals(3, gateways.all().size());
        assertFalse(load().toString().contains("secret"), load().toString());
        assertFalse(east.toString().contains("hook"), east.toString());
    }

    @Test
    void a_gateway_that_is_not_named_has_no_settings() throws IOException {
        file("agentbus.properties", "agentbus.gateways=east\nagentbus.gateway.esat.url=http://127.0.0.1:2\n");
        assertFailure(
                home.resolve("agentbus.properties")
                        + ", line 2: agentbus.gateway.esat.url is no setting of agentbus; did you mean agentbus.gateway.east.url?");
        // The strongest source says which there are.
        environment.put("AGENTBUS_GATEWAYS", "esat");
        assertEquals("http://127.0.0.1:2", load().text("agentbus.gateway.esat.url"));
    }

    @Test
    void a_named_gateway_needs_an_address() {
        overrides.put("agentbus.gateways", "east");
        StartFailure failure = assertThrows(StartFailure.class, () -> GatewaySettings.read(load()));
        assertTrue(failure.getMessage().contains("agentbus.gateway.east.url (default) is empty"), failure.getMessage());
    }

    @ParameterizedTest
    @ValueSource(strings = {"default", "East", "east,east", "east,,west", "operator", "-x"})
    void a_name_that_is_none_or_taken_is_refused(String names) {
        overrides.put("agentbus.gateways", names);
        assertFailure("agentbus.gateways (command line) holds \"");
    }

    @Test
    void an_unknown_override_is_a_failure() {
        overrides.put("agentbus.nothing.like-any-of-the-others", "1");
        assertFailure("command line: agentbus.nothing.like-any-of-the-others is no setting of agentbus");
    }

    @Test
    void a_misspelt_first_word_is_a_failure() throws IOException {
        file("agentbus.properties", "agentbuss.http.port=1\n");
        assertFailure("did you mean agentbus.http.port?");
    }

    @Test
    void keys_of_camel_and_of_others_pass_untouched() throws IOException {
        file("agentbus.properties", "camel.main.name = bus\nshop.orders = 3\n");
        assertEquals("bus", load().asProperties().getProperty("camel.main.name"));
        assertEquals("3", load().text("shop.orders"));
    }

    @Test
    void a_key_that_is_set_twice_is_told_with_both_lines() throws IOException {
        file("agentbus.properties", "agentbus.phase=1\n\nagentbus.phase=2\n");
        assertFailure("agentbus.properties sets agentbus.phase twice, in lines 1 and 3; remove one");
    }

    @Test
    void lines_continue_after_a_backslash_and_comments_do_not() throws IOException {
        file("agentbus.properties", "# a comment \\\nagentbus.http.host=\\\n   ::1\nagentbus.phase=2\n");
        assertEquals("::1", load().text("agentbus.http.host"));
        assertEquals(2, load().integer("agentbus.phase"));
    }

    @Test
    void a_malformed_escape_is_told_with_its_line() throws IOException {
        file("agentbus.properties", "agentbus.phase=1\nagentbus.data.dir=c:\\users\n");
        assertFailure("agentbus.properties, line 2: malformed \\u escape");
    }

    @Test
    void a_number_out_of_range_is_told_with_its_source_and_range() {
        environment.put("AGENTBUS_HTTP_PORT", "70000");
        assertFailure("agentbus.http.port (environment variable AGENTBUS_HTTP_PORT) is \"70000\";"
                + " it must be a whole number from 0 to 65535");
    }

    @Test
    void a_flag_is_true_or_false_and_nothing_else() {
        assertFalse(load().flag("agentbus.orders.enabled"));
        overrides.put("agentbus.orders.enabled", "true");
        assertTrue(load().flag("agentbus.orders.enabled"));
        overrides.put("agentbus.orders.enabled", "yes");
        assertFailure("is \"yes\"; it must be one of true, false");
    }

    @Test
    void a_duration_has_the_unit_of_its_name() {
        assertEquals(Duration.ofSeconds(5), load().duration("agentbus.database.connect-timeout-ms"));
        assertEquals(Duration.ofMinutes(1), load().duration("agentbus.database.embedded-start-timeout-seconds"));
        assertThrows(IllegalArgumentException.class, () -> load().duration(PORT));
    }

    @Test
    void relative_paths_start_at_home_and_empty_ones_are_nothing() {
        overrides.put("agentbus.data.dir", "../elsewhere");
        assertEquals(home.resolveSibling("elsewhere"), load().dataDirectory());
        assertEquals(Optional.empty(), load().path("agentbus.database.embedded-binaries-dir"));
    }

    @Test
    void home_is_where_the_launcher_says_or_else_here() {
        assertEquals(home, Settings.home(Map.of("AGENTBUS_HOME", home.toString())));
        assertEquals(Path.of("").toAbsolutePath(), Settings.home(Map.of()));
    }

    @Test
    void the_well_known_url_counts_and_the_own_variable_counts_more() {
        environment.put("DATABASE_URL", "postgresql://a");
        assertEquals("postgresql://a", load().text("agentbus.database.url"));
        environment.put("AGENTBUS_DATABASE_URL", "postgresql://b");
        assertEquals("postgresql://b", load().text("agentbus.database.url"));
    }

    @Test
    void the_variables_of_postgres_are_the_last_resort() {
        environment.put("PGUSER", "u");
        environment.put("PGPASSWORD", "p");
        assertEquals("u", load().text("agentbus.database.user"));
        assertEquals("p", load().text("agentbus.database.password"));
        overrides.put("agentbus.database.password", "mine");
        assertEquals("mine", load().text("agentbus.database.password"));
    }

    @Test
    void a_secret_may_come_from_a_file() throws IOException {
        file("secret", "hidden\n");
        environment.put("AGENTBUS_DATABASE_PASSWORD_FILE", "secret");
        assertEquals("hidden", load().text("agentbus.database.password"));
        assertEquals("file " + home.resolve("secret"), load().source("agentbus.database.password"));
    }

    @Test
    void a_missing_secret_file_is_told_with_the_setting_that_names_it() {
        overrides.put("agentbus.database.password-file", "nowhere");
        assertFailure("cannot read " + home.resolve("nowhere")
                + ", which agentbus.database.password-file (command line) names: no such file");
    }

    @Test
    void a_secret_and_a_file_for_it_in_one_source_contradict_each_other() throws IOException {
        file("agentbus.properties", "agentbus.database.password=hidden\nagentbus.database.password-file=secret\n");
        String message = assertFailure("are both set; keep one");
        assertFalse(message.contains("hidden"), message);
    }

    @Test
    void only_secrets_may_come_from_files() {
        overrides.put("agentbus.http.port-file", "x");
        assertFailure("agentbus.http.port-file is no setting of agentbus");
    }

    @Test
    void secrets_are_hidden_in_errors_and_texts() {
        overrides.put("agentbus.database.password", "hidden");
        overrides.put("agentbus.database.url", "postgresql://u:hid/den@hidden@h/d?sslpassword=hidden&sslmode=require");
        String all = load()
                + load().invalid("agentbus.database.password", "must").getMessage()
                + load().invalid("agentbus.database.url", "must").getMessage();
        assertFalse(all.contains("hid/den") || all.contains("hidden@") || all.contains("=hidden"), all);
        assertTrue(all.contains("agentbus.database.password (command line) is (hidden); it must"), all);
        assertTrue(all.contains("\"postgresql://***@h/d?sslpassword=***&sslmode=require\""), all);
    }

    @Test
    void camel_gets_all_settings_and_the_url_without_credentials() {
        overrides.put("agentbus.database.url", "postgresql://u:hidden@h/d?password=hidden");
        Properties properties = load().asProperties();
        assertEquals("postgresql://h/d", properties.getProperty("agentbus.database.url"));
        assertEquals("8080", properties.getProperty(PORT));
    }

    @Test
    void a_key_that_nobody_has_declared_is_a_mistake_of_the_program() {
        assertThrows(IllegalArgumentException.class, () -> load().text("agentbus.undeclared"));
    }

    @Test
    void a_failure_is_one_line() {
        assertEquals("a b c", new StartFailure(" a\n  b\r\nc\n").getMessage());
    }

    private Settings load() {
        return Settings.load(home, environment, overrides);
    }

    private void file(String name, String content) throws IOException {
        Files.writeString(home.resolve(name), content);
    }

    private String assertFailure(String expected) {
        return assertInvalid(this::load, expected);
    }

    private static String assertInvalid(org.junit.jupiter.api.function.Executable action, String expected) {
        String message = assertThrows(StartFailure.class, action).getMessage();
        assertTrue(message.contains(expected), message);
        return message;
    }
}
