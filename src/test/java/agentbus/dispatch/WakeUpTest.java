package agentbus.dispatch;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestBus;
import agentbus.harness.TestDatabase;
import agentbus.harness.TestFleet;
import agentbus.harness.TestJobs;
import agentbus.text.Json;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

/** The notifications that wake the dispatcher, and the sweep that finds lost ones. */
@ExtendWith(PostgresExtension.class)
class WakeUpTest {
    private final TestDatabase database;
    private final TestJobs jobs;

    @TempDir
    Path home;

    private TestFleet fleet;
    private TestBus bus;

    WakeUpTest(TestDatabase database) {
        this.database = database;
        this.jobs = new TestJobs(database.jdbc());
    }

    @BeforeEach
    void clear() {
        database.clear();
        fleet = TestFleet.of(home, Duration.ofMillis(100), "ann", "bob");
    }

    @AfterEach
    void stop() {
        bus.close();
        fleet.close();
    }

    @Test
    void a_hint_dispatches_without_waiting_for_a_sweep() {
        startWithoutSweeps();
        UUID job = jobs.enqueue("ann");
        jobs.awaitState(job, "succeeded");
        assertEquals(1, bus.exchanges("sweep-queue"), "a sweep helped");
    }

    @Test
    void a_call_dispatches_on_its_own_node_without_a_notification() throws Exception {
        startWithoutSweeps();
        bus.bus().camel().getRouteController().stopRoute("hear-jobs-ready");
        UUID first = enqueueByCall("ann");
        enqueueByCall("ann");
        jobs.awaitState(first, "succeeded");
        // Ann works on one job at a time, so the close of the first, a shared statement, wakes for the second.
        jobs.awaitSucceeded(2);
        assertEquals(1, bus.exchanges("sweep-queue"), "a sweep helped");
    }

    @Test
    void a_call_notifies_other_dispatchers_and_only_when_there_are_some() throws Exception {
        startWithoutSweeps("agentbus.dispatch.beat-ms", "100");
        await().until(() -> bus.exchanges("write-heartbeat") >= 2);
        long notified = bus.exchanges("notify-dispatchers");
        enqueueByCall("ann");
        jobs.awaitSucceeded(1);
        assertEquals(notified, bus.exchanges("notify-dispatchers"), "nobody else was there to hear it");
        try (Connection other = database.jdbc().getDataSource().getConnection()) {
            other.createStatement().execute("listen jobs_ready");
            database.jdbc()
                    .update("insert into dispatcher_heartbeats (dispatcher_id, host, pid, version, wake_source,"
                            + " listener_connected, beat_seconds, last_sweep, leases_owned, busy_agents, metrics)"
                            + " values ('other', 'h', 1, 'v', 'listen', true, 600, now(), 0, 0, '{}')");
            long beats = bus.exchanges("write-heartbeat");
            await().until(() -> bus.exchanges("write-heartbeat") >= beats + 2);
            enqueueByCall("bob");
            String node = database.jdbc()
                    .queryForObject(
                            "select dispatcher_id from dispatcher_heartbeats where dispatcher_id <> 'other'",
                            String.class);
            List<String> payloads = new ArrayList<>();
            await().until(() -> {
                PGNotification[] heard = other.unwrap(PGConnection.class).getNotifications(100);
                if (heard != null) {
                    List.of(heard).forEach(notification -> payloads.add(notification.getParameter()));
                }
                return payloads.contains(node);
            });
            other.createStatement().execute("unlisten *");
        }
        jobs.awaitSucceeded(2);
    }

    @Test
    void a_transaction_whose_caller_wakes_sends_no_notification() throws Exception {
        start();
        try (Connection connection = database.jdbc().getDataSource().getConnection();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            TestJobs own = new TestJobs(new JdbcTemplate(new SingleConnectionDataSource(connection, true)));
            statement.execute("listen jobs_ready");
            connection.commit();
            statement.execute("select caller_wakes('{}'::jsonb)");
            own.enqueue("ann");
            try (ResultSet row = statement.executeQuery("select current_setting('agentbus.woken')")) {
                assertTrue(row.next());
                assertEquals("yes", row.getString(1));
            }
            connection.commit();
            assertNull(notificationOf(connection), "the caller wakes");
            own.enqueue("ann");
            connection.commit();
            assertNotNull(notificationOf(connection), "nobody else wakes");
            statement.execute("unlisten *");
            connection.commit();
        }
        jobs.awaitSucceeded(2);
    }

    /** The notification that this session has sent itself in a transaction before, or null. */
    private static PGNotification notificationOf(Connection connection) throws SQLException {
        int own = connection.unwrap(PGConnection.class).getBackendPID();
        // A round trip, because notifications of a session's own commit come with an answer.
        connection.createStatement().execute("select 1");
        connection.commit();
        PGNotification[] heard = connection.unwrap(PGConnection.class).getNotifications();
        return heard == null
                ? null
                : Stream.of(heard)
                        .filter(notification -> notification.getPID() == own)
                        .findFirst()
                        .orElse(null);
    }

    @Test
    void the_start_looks_at_the_queue_without_waiting_for_a_sweep() {
        start("agentbus.dispatch.sweep-ms", "60000", "agentbus.dispatch.wake", "poll");

        assertTrue(bus.exchanges("wake-dispatch") > bus.exchanges("sweep-queue"), "woken by a sweep only");
    }

    @Test
    void a_close_dispatches_the_next_job_of_a_busy_agent_without_a_sweep() {
        startWithoutSweeps();
        jobs.enqueueMany(10, List.of("ann"));
        jobs.awaitSucceeded(10);
        assertEquals(1, fleet.agents().maxWorking("ann"));
        assertEquals(1, bus.exchanges("sweep-queue"), "a sweep helped");
    }

    @Test
    void a_dependent_is_dispatched_right_after_its_dependency_without_a_sweep() {
        startWithoutSweeps();
        UUID first = jobs.enqueue("ann");
        UUID dependent = jobs.enqueue("bob", "{\"dependsOn\": [\"" + first + "\"]}");
        jobs.awaitState(dependent, "succeeded");
        assertEquals(List.of("ann", "bob"), agentsInOrder());
        assertEquals(1, bus.exchanges("sweep-queue"), "a sweep helped");
    }

    @Test
    void a_job_that_a_claim_skipped_while_its_dependent_was_enqueued_needs_no_sweep() throws Exception {
        startWithoutSweeps();
        pauseAnn();
        UUID first = jobs.enqueue("ann");
        try (Connection connection = database.jdbc().getDataSource().getConnection()) {
            connection.setAutoCommit(false);
            // Keeps the first job locked until its commit.
            new TestJobs(new JdbcTemplate(new SingleConnectionDataSource(connection, true)))
                    .enqueue("bob", "{\"dependsOn\": [\"" + first + "\"]}");
            long claims = bus.exchanges("claim-jobs");
            resumeAnn();
            await().until(() -> bus.exchanges("claim-jobs") > claims);
            assertEquals("queued", jobs.job(first).get("state"));
            connection.commit();
        }
        jobs.awaitSucceeded(2);
        assertEquals(1, bus.exchanges("sweep-queue"), "a sweep helped");
    }

    @Test
    void a_lane_that_is_resumed_dispatches_without_a_sweep() {
        startWithoutSweeps();
        pauseAnn();
        long claims = bus.exchanges("claim-jobs");
        UUID job = jobs.enqueue("ann");
        await().until(() -> bus.exchanges("claim-jobs") > claims);
        assertEquals("queued", jobs.job(job).get("state"));
        resumeAnn();
        jobs.awaitState(job, "succeeded");
        assertEquals(1, bus.exchanges("sweep-queue"), "a sweep helped");
    }

    @Test
    void a_thousand_hints_while_the_dispatcher_looks_make_it_look_once_more() throws Exception {
        startWithoutSweeps();
        long claims;
        try (Connection connection = database.jdbc().getDataSource().getConnection();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            // Every claim needs this lock, so the dispatcher's look lasts as long as the test holds it.
            statement.execute("select lock_claims()");
            claims = bus.exchanges("claim-jobs");
            for (int i = 0; i < 1000; i++) {
                database.jdbc().execute("notify jobs_ready, '" + i + "'");
            }
            await().until(() -> bus.exchanges("hear-jobs-ready") >= 1000);
            connection.rollback();
        }
        UUID job = jobs.enqueue("ann");
        jobs.awaitState(job, "succeeded");
        // One look that waited, one for all later notifications, and some for the enqueue and the close of the job.
        assertTrue(bus.exchanges("claim-jobs") - claims <= 8, bus.exchanges("claim-jobs") - claims + " claims");
        assertEquals(1, bus.exchanges("sweep-queue"), "a sweep helped");
    }

    @Test
    void a_sweep_finds_what_a_stopped_listener_missed() throws Exception {
        start();
        bus.bus().camel().getRouteController().stopRoute("hear-jobs-ready");
        long heard = bus.exchanges("hear-jobs-ready");
        UUID job = jobs.enqueue("ann");
        jobs.awaitState(job, "succeeded");
        assertEquals(heard, bus.exchanges("hear-jobs-ready"));
    }

    @Test
    void a_sweep_finds_what_nobody_notified() {
        start();
        await().until(() -> bus.exchanges("hear-jobs-ready") > 0);
        database.jdbc().execute("alter table jobs disable trigger user");
        try {
            jobs.enqueueMany(5, List.of("ann", "bob"));
        } finally {
            database.jdbc().execute("alter table jobs enable trigger user");
        }
        jobs.awaitSucceeded(10);
    }

    @Test
    void polling_alone_is_enough() {
        start("agentbus.dispatch.wake", "poll");
        assertNull(bus.bus().camel().getRoute("hear-jobs-ready"));
        jobs.enqueueMany(5, List.of("ann", "bob"));
        jobs.awaitSucceeded(10);
        await().until(
                        () -> database.jdbc()
                                .queryForList("select wake_source from dispatcher_heartbeats", String.class),
                        sources -> sources.equals(List.of("poll")));
        assertEquals(
                0,
                database.jdbc()
                        .queryForObject(
                                "select count(*) from pg_stat_activity where application_name = 'agentbus-listener'"
                                        + " and datname = current_database()",
                                Long.class));
    }

    @Test
    void a_delayed_job_is_dispatched_when_it_becomes_due_and_not_before() {
        start();
        UUID job = jobs.enqueue("ann", "{\"delaySeconds\": 1}");
        jobs.awaitState(job, "succeeded");
        assertTrue(database.jdbc()
                .queryForObject(
                        "select a.started_at >= j.run_after from jobs j join job_attempts a using (job_id)",
                        Boolean.class));
    }

    @Test
    void a_new_idea_or_opportunity_wakes_the_sweep_over_proposals() throws Exception {
        start("agentbus.phase", "3");
        bus.bus().camel().getRouteController().stopRoute("time-proposals");
        for (String channel : List.of("ideas_ready", "opportunities_ready")) {
            String route = "hear-" + channel.replace('_', '-');
            // After each connect the listener itself sends a message.
            await().until(() -> bus.exchanges(route) >= 1);
            database.jdbc()
                    .update(
                            "insert into ideas (namespace, source_agent, theme, title, body, touched_at)"
                                    + " values ('default', 'ann', 'speed', 'Cache', 'The same each day.', now() - interval '20 days')");
            database.jdbc().execute("notify " + channel + ", 'default'");
            await().until(() ->
                    database.jdbc().queryForObject("select count(*) from ideas where status <> 'archived'", Long.class)
                            == 0);
        }
    }

    @Test
    void a_new_memory_candidate_wakes_the_look_at_those_that_wait() throws Exception {
        start("agentbus.phase", "4");
        bus.bus().camel().getRouteController().stopRoute("time-candidates");
        // After each connect the listener itself sends a message.
        await().until(() -> bus.exchanges("hear-memory-candidates-ready") >= 1);
        long before = bus.exchanges("promote-early");
        database.jdbc().execute("notify memory_candidates_ready, 'default'");
        await().until(() -> bus.exchanges("promote-early") > before);
    }

    private UUID enqueueByCall(String agent) throws Exception {
        HttpResponse<String> answer = bus.call(
                "POST",
                "/v1/jobs",
                bus.operatorToken(),
                Json.object().put("targetAgent", agent).put("subject", "work").toString());
        assertEquals(200, answer.statusCode(), answer.body());
        return UUID.fromString(
                Json.read(answer.body()).path("job").path("jobId").asText());
    }

    private void pauseAnn() {
        database.jdbc()
                .update("update agents set paused_at = now(), paused_by = 'test', paused_reason = 'test'"
                        + " where agent_id = 'ann'");
    }

    private void resumeAnn() {
        database.jdbc()
                .queryForList("select resume_agent('{\"kind\": \"operator\", \"name\": \"test\"}',"
                        + " '{\"agentId\": \"ann\"}')::text");
    }

    private List<String> agentsInOrder() {
        return fleet.runs().stream().map(run -> run.agentId()).toList();
    }

    /** Starts a bus whose first sweep is over, with the next one a minute away. */
    private void startWithoutSweeps(String... more) {
        List<String> settings = new ArrayList<>(List.of("agentbus.dispatch.sweep-ms", "60000"));
        settings.addAll(List.of(more));
        start(settings.toArray(String[]::new));
        await().until(() -> bus.exchanges("sweep-queue") == 1 && bus.exchanges("hear-jobs-ready") >= 1);
    }

    private void start(String... settings) {
        String[] all = new String[settings.length + 2];
        System.arraycopy(settings, 0, all, 0, settings.length);
        all[settings.length] = "agentbus.agents.dir";
        all[settings.length + 1] = fleet.directory();
        bus = TestBus.start(database, fleet.gateway(), home, all);
    }
}
