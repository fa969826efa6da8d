package agentbus.start;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.cli.AddedCommand;
import agentbus.cli.AgentbusCli;
import agentbus.contract.Contract;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestBus;
import agentbus.harness.TestDatabase;
import agentbus.imports.ImportOpenclawCronsCommand;
import agentbus.settings.Settings;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The import's file, written where the command writes it, starts as it is. */
@ExtendWith(PostgresExtension.class)
class ImportedCronsStartTest {
    private static final Map<String, String> ENVIRONMENT =
            Map.of("AGENTBUS_AGENTS_DIR", Path.of("agents").toAbsolutePath().toString());

    private final TestDatabase database;

    @TempDir
    private Path home;

    ImportedCronsStartTest(TestDatabase database) {
        this.database = database;
        database.clear();
    }

    private void importCrons(String... options) {
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        PrintStream shown = new PrintStream(said, true, StandardCharsets.UTF_8);
        ImportOpenclawCronsCommand command = new ImportOpenclawCronsCommand(
                InputStream.nullInputStream(), shown, () -> new InstalledRoutes(home, ENVIRONMENT));
        List<String> args = new ArrayList<>(List.of(
                "import-openclaw-crons",
                Path.of("src/test/resources/openclaw-crons.json")
                        .toAbsolutePath()
                        .toString()));
        args.addAll(List.of(options));
        int exit = new AgentbusCli(
                        Contract.load(),
                        Map.of(
                                "import-openclaw-crons",
                                AddedCommand.annotated(ImportOpenclawCronsCommand.SUMMARY, () -> command)))
                .execute(args.toArray(String[]::new), InputStream.nullInputStream(), shown, shown, Map.of());
        assertEquals(0, exit, said.toString(StandardCharsets.UTF_8));
    }

    private Bus start() {
        Map<String, String> settings =
                TestBus.settings(database.url(), null, "agentbus.orders.enabled", "true", "agentbus.phase", "1");
        return Bus.start(Settings.load(home, Map.of(), settings), Map.of(), List.of(), Map.of());
    }

    private List<String> orders() {
        return database.jdbc()
                .queryForList("select order_name from standing_orders where enabled order by 1", String.class);
    }

    @Test
    void the_file_of_an_import_starts_beside_the_orders_of_the_fleet() {
        importCrons("--include-disabled");
        start().close();
        assertTrue(
                orders().containsAll(List.of("morning-brief", "check", "check-2", "check-3", "openclaw-cron")),
                orders()::toString);
        assertTrue(orders().contains("devops-health-check"), orders()::toString);
        assertEquals(10, orders().size());
    }

    @Test
    void an_indented_list_and_one_behind_a_byte_order_mark_are_lists() throws Exception {
        Path routes = Files.createDirectory(home.resolve("routes"));
        Files.writeString(
                routes.resolve("indented.camel.yaml"),
                "# A route.\n---\n  # Its list is indented.\n  - route:\n      id: indented\n      from:\n"
                        + "        uri: direct:indented\n        steps:\n          - log: x\n");
        Files.writeString(
                routes.resolve("marked.camel.yaml"),
                "\ufeff- route:\n    id: marked\n    from:\n      uri: direct:marked\n      steps:\n        - log: x\n");
        Files.writeString(routes.resolve("off.camel.yaml"), "# Nothing is on.\n[]\n");
        try (Bus bus = start()) {
            assertTrue(
                    bus.camel().getRouteController().getRouteStatus("indented").isStarted());
            assertTrue(bus.camel().getRouteController().getRouteStatus("marked").isStarted());
        }
    }
}
