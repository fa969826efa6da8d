package agentbus.routes;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.demo.DemoFleet;
import agentbus.dispatch.Dispatcher;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestBus;
import agentbus.harness.TestDatabase;
import agentbus.settings.Settings;
import agentbus.start.Bus;
import agentbus.text.Json;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.camel.CamelContext;
import org.apache.camel.Route;
import org.apache.camel.api.management.ManagedCamelContext;
import org.apache.camel.component.quartz.QuartzComponent;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.quartz.JobKey;
import org.quartz.Scheduler;
import org.quartz.impl.matchers.GroupMatcher;

/**
 * One bus with the routes of all phases and of the demo: every route starts and handles an exchange. A route that this
 * test does not exercise needs a test that names its id.
 */
@ExtendWith(PostgresExtension.class)
class RoutesRunTest {
    private static final Path TESTS = Path.of("src/test/java");

    @Test
    void every_route_of_every_phase_runs(TestDatabase database, @TempDir Path home) throws Exception {
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
                "agentbus.gateway.operator-token",
                "operator-token-of-tests",
                "agentbus.metrics.queue-seconds",
                "1",
                "agentbus.orders.enabled",
                "true",
                "agentbus.audit.seconds",
                "1");
        try (DemoFleet fleet = new DemoFleet("http://127.0.0.1:" + port, TestBus.HOOK_TOKEN);
                Bus bus = Bus.start(
                        Settings.load(home, Map.of(), settings),
                        Map.of(),
                        List.of("classpath:routes/demo/*.camel.yaml"),
                        Map.of("demoFleet", fleet))) {
            Set<String> ids = RouteFilesTest.routes()
                    .map(route -> route.path("id").asText())
                    .collect(Collectors.toCollection(TreeSet::new));
            Set<String> all = new TreeSet<>(ids);
            all.addAll(
                    database.jdbc().queryForList("select order_name from standing_orders where enabled", String.class));
            assertEquals(ids.size() + 56, all.size());
            assertEquals(
                    all,
                    bus.camel().getRoutes().stream()
                            .map(Route::getRouteId)
                            .collect(Collectors.toCollection(TreeSet::new)));

            pullOneJob(bus, home);
            tellAnotherDispatcher(bus, database, home);
            listTools(bus);
            callTool(bus, home);
            refuseOneCall(bus, home);
            logIn(bus, home);
            forgetOldDispatchers(bus, database);
            stopOneRun(database);
            cancelMany(database);
            fire(bus, "house", "retire-finished-work");
            fire(bus, "house", "export-vault");
            fire(bus, "house", "verify-vault");
            fire(bus, "standing-orders", "devops-health-check");
            ids.removeAll(namedInTests(ids));
            await().atMost(Duration.ofSeconds(60))
                    .pollInterval(Duration.ofMillis(100))
                    .until(() -> idle(bus.camel(), ids), Set.of()::equals);
            // Some agents of the demo succeed at once.
            await().atMost(Duration.ofSeconds(60))
                    .until(() -> database.jdbc()
                                    .queryForObject("select count(*) from jobs where state = 'succeeded'", Long.class)
                            >= 2);
        }
    }

    /** A pulling worker gets its attempt's token with the job. */
    private static void pullOneJob(Bus bus, Path home) throws Exception {
        String token = Files.readString(home.resolve("data/operator.token")).strip();
        // The agent is paused, so that the dispatcher does not take the job first.
        call(bus, token, "/v1/agents/auditor/pause", "{\"reason\": \"a worker pulls\"}");
        assertEquals(
                200,
                call(bus, token, "/v1/jobs/claim", "{\"targetAgent\": \"auditor\"}")
                        .statusCode());
        call(bus, token, "/v1/agents/auditor/resume", "{}");
    }

    /** The bus cancels the jobs below a cancelled one behind the answer. */
    private static void cancelMany(TestDatabase database) {
        String parent = database.jdbc()
                .queryForObject(
                        """
                        select enqueue_job('{"kind": "operator", "name": "test"}', '{"targetAgent": "devops",
                          "subject": "infra.check", "delaySeconds": 3600}') #>> '{job,jobId}'""",
                        String.class);
        database.jdbc()
                .update(
                        """
                        insert into jobs (namespace, target_agent, job_type, subject, state, timeout_seconds,
                          hard_timeout_seconds, parent_job_id, run_after)
                        select 'default', 'devops', 'reactive', 'infra.check', 'queued', 600, 600, ?::uuid,
                          now() + interval '1 hour'
                        from generate_series(1, 250)""",
                        parent);

        database.jdbc()
                .queryForObject(
                        "select cancel_job('{\"kind\": \"operator\", \"name\": \"test\"}',"
                                + " jsonb_build_object('jobId', ?::text, 'reason', 'not needed'))::text",
                        String.class,
                        parent);

        await().atMost(Duration.ofSeconds(60))
                .until(() -> database.jdbc()
                                .queryForObject(
                                        "select count(*) from jobs where parent_job_id = ?::uuid and state = 'cancelled'",
                                        Long.class,
                                        parent)
                        == 250);
    }

    /** A call wakes the dispatchers of other nodes too, as soon as a heartbeat has seen one. */
    private static void tellAnotherDispatcher(Bus bus, TestDatabase database, Path home) throws Exception {
        String token = Files.readString(home.resolve("data/operator.token")).strip();
        database.jdbc()
                .update(
                        "insert into dispatcher_heartbeats (dispatcher_id, host, pid, version, wake_source, beat_seconds)"
                                + " values ('another', 'other', 1, '1', 'poll', 600)");
        await().atMost(Duration.ofSeconds(60)).until(() -> !bus.camel()
                .getRegistry()
                .lookupByNameAndType("dispatcher", Dispatcher.class)
                .alone());
        String job = "{\"targetAgent\": \"devops\", \"subject\": \"infra.check\", \"delaySeconds\": 3600}";
        call(bus, token, "/v1/jobs", job);
    }

    private static void listTools(Bus bus) throws Exception {
        String list = "{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"tools/list\"}";
        assertTrue(call(bus, "none", "/mcp", list).body().contains("complete"));
    }

    private static void callTool(Bus bus, Path home) throws Exception {
        String token = Files.readString(home.resolve("data/operator.token")).strip();
        String list = "{\"jsonrpc\": \"2.0\", \"id\": 2, \"method\": \"tools/call\", \"params\": {\"name\": \"list\","
                + " \"arguments\": {\"token\": \"" + token + "\"}}}";
        assertTrue(call(bus, "none", "/mcp", list).body().contains("structuredContent"));
    }

    /** The demo's gateway has no WebSocket, so the abort fails; the route has run nevertheless. */
    private static void stopOneRun(TestDatabase database) {
        await().atMost(Duration.ofSeconds(60)).until(() -> {
            database.jdbc().queryForList("select request_abort(attempt_id, 'of a test') from job_attempts");
            return database.jdbc().queryForObject("select count(*) from run_aborts where tries > 0", Long.class) > 0;
        });
    }

    /** A refused call of an agent is recorded. */
    private static void refuseOneCall(Bus bus, Path home) throws Exception {
        String operator = Files.readString(home.resolve("data/operator.token")).strip();
        String agent = Json.read(
                        call(bus, operator, "/v1/agents/publisher/token", "").body())
                .path("token")
                .asText();
        String job = "{\"targetAgent\": \"devops\", \"subject\": \"infra.check\"}";
        assertEquals(403, send(bus, agent, "/v1/jobs", job).statusCode());
    }

    /** A person opens the console. */
    private static void logIn(Bus bus, Path home) throws Exception {
        String token = Files.readString(home.resolve("data/operator.token")).strip();
        call(bus, token, "/console/session", "{\"token\": \"" + token + "\"}");
    }

    private static void forgetOldDispatchers(Bus bus, TestDatabase database) throws Exception {
        database.jdbc()
                .update(
                        "insert into dispatcher_heartbeats (dispatcher_id, host, pid, version, wake_source, beat_seconds,"
                                + " last_seen) values ('old', 'h', 1, '1', 'poll', 4, now() - interval '31 days'),"
                                + " ('recent', 'h', 1, '1', 'poll', 4, now() - interval '29 days')");
        fire(bus, "house", "forget-old-dispatchers");
        await().until(() -> database.jdbc()
                .queryForList("select dispatcher_id from dispatcher_heartbeats where host = 'h'", String.class)
                .equals(List.of("recent")));
    }

    private static void fire(Bus bus, String group, String name) throws Exception {
        Scheduler scheduler =
                bus.camel().getComponent("quartz", QuartzComponent.class).getScheduler();
        JobKey key = JobKey.jobKey(name, group);
        assertTrue(scheduler.getJobKeys(GroupMatcher.jobGroupEquals(group)).contains(key), name);
        scheduler.triggerJob(key);
    }

    private static Set<String> idle(CamelContext camel, Set<String> ids) {
        ManagedCamelContext managed = camel.getCamelContextExtension().getContextPlugin(ManagedCamelContext.class);
        return ids.stream()
                .filter(id -> {
                    try {
                        return managed.getManagedRoute(id).getExchangesTotal() == 0;
                    } catch (Exception e) {
                        throw new IllegalStateException("no numbers of route " + id, e);
                    }
                })
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static Set<String> namedInTests(Set<String> ids) throws IOException {
        try (Stream<Path> files = Files.walk(TESTS)) {
            StringBuilder text = new StringBuilder();
            for (Path file : files.filter(one -> one.toString().endsWith("Test.java"))
                    .filter(one -> !one.endsWith("RoutesRunTest.java"))
                    .toList()) {
                text.append(Files.readString(file));
            }
            // Every route of the spine must run in this test.
            Set<String> spine = RouteFilesTest.files()
                    .filter(file -> file.toString().contains("phase-1-spine"))
                    .flatMap(RouteFilesTest::routesOf)
                    .map(route -> route.path("id").asText())
                    .collect(Collectors.toSet());
            return ids.stream()
                    .filter(id -> !spine.contains(id) && text.indexOf("\"" + id + "\"") >= 0)
                    .collect(Collectors.toSet());
        }
    }

    /** Calls the bus as a client does: again while its database has no connection to spare. */
    private static HttpResponse<String> call(Bus bus, String token, String path, String body) throws Exception {
        HttpResponse<String> answer = await().atMost(Duration.ofSeconds(60))
                .until(() -> send(bus, token, path, body), each -> each.statusCode() != 503);
        assertTrue(answer.statusCode() < 300, answer::body);
        return answer;
    }

    private static HttpResponse<String> send(Bus bus, String token, String path, String body) throws Exception {
        return HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .build()
                .send(
                        HttpRequest.newBuilder(URI.create(bus.url() + path))
                                .header("Authorization", "Bearer " + token)
                                .header("Content-Type", "application/json")
                                .header("Origin", bus.url())
                                .POST(BodyPublishers.ofString(body))
                                .build(),
                        BodyHandlers.ofString());
    }

    private static int freePort() throws IOException {
        try (ServerSocket probe = new ServerSocket(0)) {
            return probe.getLocalPort();
        }
    }
}
