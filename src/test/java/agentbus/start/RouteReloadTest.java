package agentbus.start;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.LogCapture;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestBus;
import agentbus.harness.TestDatabase;
import agentbus.settings.Settings;
import agentbus.settings.StartFailure;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** A bus that takes its files from a checkout and a directory of the installation, and takes changes while it runs. */
@ExtendWith(PostgresExtension.class)
class RouteReloadTest {
    private static final String MINE =
            """
            # Answers.
            - route:
                id: mine
                from:
                  uri: direct:mine
                  steps:
                    - %s
            """;
    private static final String ORDER =
            """
            # An order.
            - templatedRoute:
                routeTemplateRef: standing-order
                routeId: own-check
                parameters:
                  - {name: agent, value: devops}
                  - {name: cron, value: "%s"}
                  - {name: purpose, value: A check.}
                  - {name: instructions, value: "%s"}
            """;

    private final TestDatabase database;
    private final LogCapture log = new LogCapture();

    @TempDir
    private Path home;

    @TempDir
    private Path checkout;

    RouteReloadTest(TestDatabase database) {
        this.database = database;
    }

    @BeforeEach
    void copyTheCheckout() throws IOException {
        database.clear();
        for (String folder : List.of(
                "src/main/resources/routes",
                "src/main/resources/templates",
                "src/main/resources/console",
                "sql/statements")) {
            try (Stream<Path> files = Files.walk(Path.of(folder))) {
                for (Path file : files.filter(Files::isRegularFile).toList()) {
                    Files.createDirectories(checkout.resolve(file).getParent());
                    Files.copy(file, checkout.resolve(file));
                }
            }
        }
        Files.createDirectories(home.resolve("routes"));
    }

    @AfterEach
    void closeLog() {
        log.close();
    }

    private Bus start() {
        return start("agentbus.routes.dir", "routes");
    }

    private Bus start(String key, String value) {
        Map<String, String> settings = TestBus.settings(
                database.url(),
                null,
                "agentbus.source.dir",
                checkout.toString(),
                "agentbus.orders.enabled",
                "true",
                key,
                value);
        Bus bus = Bus.start(Settings.load(home, Map.of(), settings), Map.of(), List.of(), Map.of());
        bus.reloadRoutes();
        return bus;
    }

    private void mine(String step) throws IOException {
        Files.writeString(home.resolve("routes/mine.camel.yaml"), MINE.formatted(step));
    }

    private static void awaitAnswer(Bus bus, String answer) {
        await().until(() -> ask(bus), answer::equals);
    }

    private static String ask(Bus bus) {
        return bus.camel().createProducerTemplate().requestBody("direct:mine", null, String.class);
    }

    private void awaitSaid(String text) {
        await().untilAsserted(() -> assertTrue(
                log.lines().stream().anyMatch(said -> said.contains(text)), () -> text + " is not in " + log.lines()));
    }

    @Test
    void a_changed_route_is_taken_and_a_broken_one_leaves_the_old_one_running() throws Exception {
        mine("setBody: {constant: one}");
        try (Bus bus = start()) {
            assertEquals("one", ask(bus));
            mine("setBody: {constant: two}");
            awaitAnswer(bus, "two");

            mine("bean: {ref: nobody, method: x}");
            awaitSaid("routes/mine.camel.yaml:6: route mine: nobody is no bean here");
            assertEquals("two", ask(bus));

            mine("setBody: {constant: ");
            awaitSaid("routes/mine.camel.yaml:8: not YAML");
            assertEquals("two", ask(bus));

            mine("toD: {uri: 'timer:x?perod=1', nonsense: true}");
            awaitSaid("routes/mine.camel.yaml:7: nonsense is no key that may stand here");
            assertEquals("two", ask(bus));

            mine("setBody: {constant: three}");
            awaitAnswer(bus, "three");
        }
    }

    @Test
    void a_directory_may_have_any_name_or_be_a_link_and_its_hidden_files_are_no_change() throws Exception {
        Path real = Files.createDirectories(home.resolve("c++ 100%25"));
        Path link = Files.createSymbolicLink(home.resolve("own"), real);
        Files.writeString(real.resolve("mine.camel.yaml"), MINE.formatted("setBody: {constant: one}"));
        Files.createDirectories(real.resolve(".git"));
        for (Path own : List.of(real, link)) {
            Files.writeString(real.resolve("mine.camel.yaml"), MINE.formatted("setBody: {constant: one}"));
            try (Bus bus = start("agentbus.routes.dir", own.toString())) {
                assertEquals("one", ask(bus));
                Files.writeString(real.resolve(".git/mine.camel.yaml"), MINE.formatted("setBody: {constant: three}"));
                Files.writeString(real.resolve("mine.camel.yaml"), MINE.formatted("setBody: {constant: two}"));
                awaitAnswer(bus, "two");
            }
        }
        assertTrue(log.lines().stream().noneMatch(line -> line.contains(".git")), () -> log.lines()
                .toString());
    }

    @Test
    void a_new_file_is_taken_and_a_removed_one_takes_its_routes_along() throws Exception {
        try (Bus bus = start()) {
            mine("setBody: {constant: new}");
            await().until(() -> bus.camel().getRoute("mine") != null);
            awaitAnswer(bus, "new");

            Path other = home.resolve("routes/deeper/other.camel.yaml");
            Files.createDirectories(other.getParent());
            Files.writeString(other, MINE.formatted("stop: {}"));
            awaitSaid("routes/mine.camel.yaml and routes/deeper/other.camel.yaml: two routes have the id mine");
            assertEquals("new", ask(bus));

            Files.delete(home.resolve("routes/mine.camel.yaml"));
            await().until(() -> bus.camel().getRoute("mine") == null);
        }
    }

    @Test
    void a_changed_statement_and_a_changed_template_are_taken() throws Exception {
        Path statement = checkout.resolve("sql/statements/mine/answer.sql");
        Files.createDirectories(statement.getParent());
        Files.writeString(statement, "select 'one'");
        Path template = checkout.resolve("src/main/resources/templates/mine.mustache");
        Files.writeString(template, "first {{body}}");
        Files.writeString(
                home.resolve("routes/mine.camel.yaml"),
                MINE.formatted("to: 'sql:classpath:sql/statements/mine/answer.sql?outputType=SelectOne'")
                        + "        - to: 'mustache:classpath:templates/mine.mustache'\n");
        try (Bus bus = start()) {
            assertEquals("first one", ask(bus));
            Files.writeString(statement, "select 'two'");
            awaitAnswer(bus, "first two");
            Files.writeString(template, "second {{body}}");
            awaitAnswer(bus, "second two");
        }
    }

    @Test
    void a_route_names_a_file_beside_it_and_its_change_is_taken() throws Exception {
        Path beside = home.resolve("routes/answer.json");
        Files.writeString(beside, "{\"answer\": 1}");
        mine("setBody: {constant: 'resource:file:{{agentbus.routes.dir}}/answer.json'}");
        try (Bus bus = start()) {
            assertEquals("{\"answer\": 1}", ask(bus));
            Files.writeString(beside, "{\"answer\": 2}");
            awaitAnswer(bus, "{\"answer\": 2}");
        }
    }

    @Test
    void a_changed_standing_order_is_taken_into_the_database() throws Exception {
        Path file = home.resolve("routes/own.camel.yaml");
        Files.writeString(file, ORDER.formatted("0 0 9 ? * MON", "Look."));
        try (Bus bus = start()) {
            assertEquals("Look.", instructions());
            Files.writeString(file, ORDER.formatted("0 0 9 ? * MON", "Look twice."));
            await().until(this::instructions, "Look twice."::equals);

            Files.writeString(file, ORDER.formatted("0 0 25 ? * MON", "Look thrice."));
            awaitSaid(
                    "routes/own.camel.yaml:4: order own-check: cron is \"0 0 25 ? * MON\"; it is no Quartz expression");
            assertEquals("Look twice.", instructions());
            assertTrue(
                    bus.camel().getRouteController().getRouteStatus("own-check").isStarted());

            Files.delete(file);
            await().until(this::instructions, ""::equals);
        }
    }

    private String instructions() {
        return String.join(
                "",
                database.jdbc()
                        .queryForList(
                                "select instructions from standing_orders where order_name = 'own-check' and enabled",
                                String.class));
    }

    @Test
    void the_http_door_can_be_changed_and_the_error_handling_waits_for_a_start() throws Exception {
        try (Bus bus = start()) {
            Path door = checkout.resolve("src/main/resources/routes/phase-1-spine/doors/serve-api.camel.yaml");
            String text = Files.readString(door);
            Files.writeString(door, text.replace("Takes HTTP calls under /v1.", "Takes calls."));
            await().until(() -> bus.camel().getRoute("serve-api") != null
                    && "Takes calls.".equals(bus.camel().getRoute("serve-api").getDescription()));
            assertEquals(401, status(bus));

            Path errors = checkout.resolve("src/main/resources/routes/phase-1-spine/errors.camel.yaml");
            Files.writeString(errors, Files.readString(errors) + "\n");
            awaitSaid("errors.camel.yaml: routeConfiguration is taken at a start only");
            Path batch = checkout.resolve("sql/statements/run-operation/batch.sql");
            Files.writeString(batch, Files.readString(batch) + "\n");
            awaitSaid("batch.sql: this statement is taken at a start only");
            Files.delete(checkout.resolve(
                    "src/main/resources/routes/phase-1-spine/orders/standing-order-template.camel.yaml"));
            awaitSaid("standing-order-template.camel.yaml: routeTemplate is taken at a start only");
        }
    }

    private static int status(Bus bus) throws Exception {
        HttpClient client = HttpClient.newHttpClient();
        return client.send(
                        HttpRequest.newBuilder(URI.create(bus.url() + "/v1/agents"))
                                .build(),
                        HttpResponse.BodyHandlers.discarding())
                .statusCode();
    }

    @Test
    void a_directory_that_is_not_there_stops_the_start() {
        Map<String, String> nowhere = TestBus.settings(database.url(), null, "agentbus.source.dir", home.toString());
        assertEquals(
                "agentbus.source.dir is " + home + ", and there is no directory " + home
                        + "/console; it must be a checkout or a release of agentbus, or empty",
                failure(nowhere));
        Map<String, String> misspelt = TestBus.settings(database.url(), null, "agentbus.routes.dir", "rouets");
        assertEquals(
                "agentbus.routes.dir is rouets, and there is no directory " + home.resolve("rouets")
                        + "; make it, or name the one with your route files",
                failure(misspelt));
    }

    private String failure(Map<String, String> settings) {
        return assertThrows(StartFailure.class, () -> Bus.start(
                                Settings.load(home, Map.of(), settings), Map.of(), List.of(), Map.of())
                        .close())
                .getMessage();
    }
}
