package agentbus.settings;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.LogCapture;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The environment: which variables are settings, which belong to other programs, and which are mistyped. */
class VariablesTest {
    @TempDir
    Path home;

    private final Map<String, String> environment = new HashMap<>();
    private final Map<String, String> overrides = new HashMap<>();

    @ParameterizedTest
    @CsvSource({
        // Kubernetes sets these for services named agentbus, agentbus-http and agentbus-postgres.
        "AGENTBUS_PORT, tcp://10.0.0.1:8080",
        "AGENTBUS_SERVICE_HOST, 10.0.0.1",
        "AGENTBUS_SERVICE_PORT, 8080",
        "AGENTBUS_SERVICE_PORT_HTTP, 8080",
        "AGENTBUS_PORT_8080_TCP, tcp://10.0.0.1:8080",
        "AGENTBUS_PORT_8080_TCP_PROTO, tcp",
        "AGENTBUS_PORT_8080_TCP_PORT, 8080",
        "AGENTBUS_PORT_8080_TCP_ADDR, 10.0.0.1",
        "AGENTBUS_PORT_53_UDP_ADDR, 10.0.0.1",
        "AGENTBUS_HTTP_PORT, tcp://10.0.0.1:80",
        "AGENTBUS_HTTP_SERVICE_PORT, 80",
        "AGENTBUS_GATEWAY_SERVICE_HOST, fd00::1",
        "AGENTBUS_GATEWAY_PORT, tcp://[fd00::1]:80",
        "AGENTBUS_POSTGRES_PORT_5432_TCP_ADDR, 10.0.0.1",
        // Names of an earlier compose file, of our gateway configuration and of the plugin.
        "AGENTBUS_POSTGRES_PASSWORD, x",
        "AGENTBUS_HOOK_TOKEN, x",
        "AGENTBUS_REPORT_TOKEN, x",
        // Names that resemble no setting.
        "AGENTBUS_VERSION, 1.2",
        "AGENTBUS_IMAGE_TAG, latest",
    })
    void a_variable_of_another_program_is_passed_over_with_a_line_of_log(String name, String value) {
        environment.put(name, value);
        try (LogCapture log = new LogCapture()) {
            assertEquals(Settings.load(home, Map.of(), Map.of()).asProperties(), load().asProperties());
            String line = "INFO agentbus.settings.SettingsLoader Not settings of agentbus, and passed over: " + name;
            assertEquals(
                    1,
                    log.lines().stream().filter(line::equals).count(),
                    log.lines().toString());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "AGENTBUS_HTTP_PROT, AGENTBUS_HTTP_PORT",
        "AGENTBUS_PORT, AGENTBUS_HTTP_PORT",
        "AGENTBUS_POOL_SIZE, AGENTBUS_DATABASE_POOL_SIZE",
        "AGENTBUS_GATEWAYTOKEN, AGENTBUS_GATEWAY_TOKEN",
        "AGENTBUS_GATWAY_TOKEN, AGENTBUS_GATEWAY_TOKEN",
        "AGENTBUS_CONFG, AGENTBUS_CONFIG",
        "AGENTBUS_DATABASE_PASSWORD_FIL, AGENTBUS_DATABASE_PASSWORD_FILE",
        "AGENTBUS_HTTP_LARGEST_BODY, ''",
    })
    void a_variable_that_resembles_a_setting_is_refused(String name, String meant) {
        environment.put(name, "8080");
        assertFailure("the environment variable " + name + " is no setting of agentbus"
                + (meant.isEmpty() ? "" : "; did you mean " + meant + "?"));
    }

    @Test
    void every_variable_in_our_own_files_is_accepted() throws IOException {
        Set<String> named = new TreeSet<>();
        try (Stream<Path> files = Files.walk(Path.of("."))) {
            for (Path file : files.filter(VariablesTest::isOurs).toList()) {
                Pattern.compile("AGENTBUS_[A-Z0-9_]*[A-Z0-9]")
                        .matcher(Files.readString(file, StandardCharsets.ISO_8859_1))
                        .results()
                        .forEach(found -> named.add(found.group()));
            }
        }
        // The placeholder for any setting in a comment.
        named.remove("AGENTBUS_A_B_C");
        assertTrue(named.size() > 15, named.toString());

        Map<String, String> variables = new TreeMap<>();
        overrides.put("agentbus.gateways", "east");
        overrides.put("agentbus.gateway.east.url", "http://127.0.0.1:2");
        load().asProperties().stringPropertyNames().stream()
                .filter(key -> key.startsWith("agentbus."))
                .forEach(key -> variables.put(Variables.of(key), key));
        for (String name : named) {
            String secret = name.replaceFirst("_FILE$", "");
            if (!variables.containsKey(secret)) {
                // The value of AGENTBUS_PORT in the guide.
                new Variables(variables).isForeign(name, "tcp://10.0.0.1:8080");
            }
        }
    }

    private static boolean isOurs(Path file) {
        return Files.isRegularFile(file)
                && !file.toString().matches("[.]/([.]git|target|data|src/test|.*node_modules)/.*|.*[.](png|jar|ico)");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "AGENTBUS_URL",
                "AGENTBUS_TOKEN",
                "AGENTBUS_HOME",
                "AGENTBUS_JAVA_OPTS",
                "AGENTBUS_SERVER_KEY",
                "UNRELATED"
            })
    void variables_that_are_no_settings_are_left_alone(String name) {
        environment.put(name, "x");
        assertEquals(
                load().asProperties(), Settings.load(home, Map.of(), Map.of()).asProperties());
    }

    @Test
    void an_unknown_variable_is_told_with_the_nearest_name() {
        environment.put("AGENTBUS_HTTP_PROT", "1");
        assertFailure("the environment variable AGENTBUS_HTTP_PROT is no setting of agentbus;"
                + " did you mean AGENTBUS_HTTP_PORT?");
    }

    private Settings load() {
        return Settings.load(home, environment, overrides);
    }

    private void assertFailure(String expected) {
        String message = assertThrows(StartFailure.class, this::load).getMessage();
        assertTrue(message.contains(expected), message);
    }
}
