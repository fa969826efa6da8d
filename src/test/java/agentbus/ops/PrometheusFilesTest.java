package agentbus.ops;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.docs.Dashboard;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The configuration, the alerts with their tests, and the dashboard, read by Prometheus's own promtool. */
class PrometheusFilesTest {
    private static final Path PROMETHEUS = Path.of("ops/prometheus").toAbsolutePath();

    @TempDir
    Path temp;

    @BeforeEach
    void needsPromtool() {
        Program.require("promtool", "prometheus");
    }

    private Program.Run promtool(Object... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("promtool"));
        Stream.of(arguments).map(Object::toString).forEach(command::add);
        return Program.run(temp, command.toArray(String[]::new));
    }

    private void assertAccepted(Program.Run run) {
        assertEquals(0, run.exit(), run.said());
    }

    @Test
    void the_configuration_and_the_alerts_are_valid() throws Exception {
        assertAccepted(promtool("check", "config", PROMETHEUS.resolve("prometheus.yml")));
    }

    @Test
    void every_alert_fires_rests_and_ends_as_its_tests_say() throws Exception {
        try (Stream<Path> files = Files.list(PROMETHEUS.resolve("tests"))) {
            List<Path> tests = files.sorted().toList();
            assertTrue(tests.size() >= 5, tests::toString);
            assertAccepted(promtool(
                    Stream.concat(Stream.of("test", "rules"), tests.stream()).toArray()));
        }
    }

    @Test
    void a_rule_with_a_wrong_name_fails_its_test() throws Exception {
        String alerts = Files.readString(PROMETHEUS.resolve("agentbus-alerts.yml"));
        Files.writeString(
                temp.resolve("agentbus-alerts.yml"),
                alerts.replace("agentbus_jobs{state=\"dead\"}", "agentbus_job{state=\"dead\"}"));
        Path tests = Files.createDirectory(temp.resolve("tests")).resolve("work.yml");
        Files.copy(PROMETHEUS.resolve("tests/work.yml"), tests);

        Program.Run run = promtool("test", "rules", tests);

        assertEquals(1, run.exit(), run.said());
        assertTrue(run.said().contains("AgentbusDeadLetters"), run.said());
    }

    @Test
    void every_expression_of_the_dashboard_is_accepted() throws Exception {
        StringBuilder rules = new StringBuilder("groups:\n  - name: dashboard\n    rules:\n");
        List<String> expressions = Dashboard.read().expressions();
        for (int i = 0; i < expressions.size(); i++) {
            rules.append("      - record: panel_" + i + "\n        expr: |\n          " + expressions.get(i) + "\n");
        }
        Path file = temp.resolve("dashboard.yml");
        Files.writeString(file, rules);

        Program.Run run = promtool("check", "rules", file);

        assertAccepted(run);
        assertTrue(run.said().contains(expressions.size() + " rules found"), run.said());
    }
}
