package agentbus.demo;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestBus;
import agentbus.harness.TestDatabase;
import agentbus.settings.Settings;
import agentbus.start.Bus;
import agentbus.vault.ExportVaultCommand;
import agentbus.vault.VaultReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.camel.ProducerTemplate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/**
 * The story of the demo on a bus of all phases: no call of it is refused, each kind of row is there afterwards, and other
 * programs can read the vault of it.
 */
@ExtendWith(PostgresExtension.class)
class DemoStoryTest {
    private static final int HASTE = 20;

    @Test
    void the_demo_fills_every_phase_and_its_vault_is_read_by_other_programs(TestDatabase database, @TempDir Path home)
            throws Exception {
        int port = freePort();
        Map<String, String> settings = TestBus.settings(
                database.url(),
                null,
                "agentbus.phase",
                "5",
                "agentbus.gateway.url",
                "http://127.0.0.1:" + port,
                "agentbus.gateway.token",
                TestBus.HOOK_TOKEN,
                "agentbus.orders.enabled",
                "true");
        try (DemoFleet fleet = new DemoFleet("http://127.0.0.1:" + port, TestBus.HOOK_TOKEN, HASTE);
                Bus bus = Bus.start(
                        Settings.load(home, Map.of(), settings),
                        Map.of(),
                        List.of("classpath:routes/demo/*.camel.yaml"),
                        Map.of("demoFleet", fleet))) {
            bus.camel().getRouteController().stopRoute("play-operator");
            bus.camel().getRouteController().stopRoute("enqueue-demo-work");
            ProducerTemplate operator = bus.camel().createProducerTemplate();
            await().atMost(Duration.ofMinutes(3))
                    .pollInterval(Duration.ofMillis(50))
                    .until(() -> {
                        // A refused call is an exception here.
                        operator.sendBody("direct:make-operator-call", null);
                        return one(database, "select count(*) from events where topic = 'demo.filled'") == 1;
                    });
            // The question ends the last idle run; the others have ended before the reports.
            await().until(() -> one(database, "select count(*) from questions where agent_id = 'research'") == 1);
        }

        assertAll(
                () -> assertEquals(
                        Map.of("accepted", 2L, "converted_to_job", 1L, "new", 2L, "parked", 1L, "rejected", 1L),
                        byStatus(database, "opportunities")),
                () -> assertEquals(
                        Map.of("new", 3L, "promoted_to_opportunity", 1L, "reviewed", 2L), byStatus(database, "ideas")),
                () -> assertEquals(
                        Map.of("new", 1L, "promoted", 10L, "rejected", 1L), byStatus(database, "memory_candidates")),
                () -> assertEquals(Map.of("active", 9L, "superseded", 1L, "wrong", 1L), byStatus(database, "memories")),
                () -> assertEquals(4, one(database, "select count(*) from reports")),
                () -> assertEquals(6, one(database, "select count(*) from idle_runs where outcome is not null")),
                () -> assertTrue(
                        one(database, "select count(*) from memory_injections where verdict = 'used'") > 0,
                        "an agent has used a memory"));
        readVault(database, home);
    }

    /** A parser of YAML and one of CommonMark read each note, and every link leads to a note. */
    private static void readVault(TestDatabase database, Path home) throws IOException {
        Path folder = home.resolve("vault");
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        int exit = new CommandLine(new ExportVaultCommand(
                        new PrintStream(said, true, StandardCharsets.UTF_8),
                        Map.of("DATABASE_URL", database.url(), "AGENTBUS_HOME", home.toString())))
                .execute(folder.toString(), "--set", "agentbus.vault.visibility=role");
        assertEquals(0, exit, said.toString(StandardCharsets.UTF_8));

        VaultReader reader = new VaultReader(folder);
        assertEquals(List.of(), reader.problems());
        Set<String> kinds = reader.notes().keySet().stream()
                .map(path -> String.valueOf(reader.matter(path).get("kind")))
                .collect(Collectors.toSet());
        assertTrue(
                reader.notes().keySet().stream().anyMatch(path -> path.startsWith("05 Reports/2")),
                "a report has a note");
        assertTrue(
                kinds.containsAll(Set.of("idea", "opportunity", "lesson", "playbook", "preference", "agent", "index")),
                kinds::toString);
    }

    private static long one(TestDatabase database, String query) {
        return database.jdbc().queryForObject(query, Long.class);
    }

    private static Map<String, Long> byStatus(TestDatabase database, String table) {
        Map<String, Long> counts = new TreeMap<>();
        database.jdbc().query("select status, count(*) from " + table + " group by status", row -> {
            counts.put(row.getString(1), row.getLong(2));
        });
        return counts;
    }

    private static int freePort() throws IOException {
        try (ServerSocket probe = new ServerSocket(0)) {
            return probe.getLocalPort();
        }
    }
}
