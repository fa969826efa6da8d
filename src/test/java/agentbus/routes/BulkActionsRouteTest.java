package agentbus.routes;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestBus;
import agentbus.harness.TestDatabase;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(PostgresExtension.class)
class BulkActionsRouteTest {
    private static final int JOBS = 600;

    private static void insertDead(TestDatabase database) {
        database.jdbc()
                .update(
                        """
                        insert into jobs (namespace, target_agent, job_type, subject, state, ended_at, timeout_seconds,
                          hard_timeout_seconds)
                        select 'default', 'devops', 'reactive', 'infra.check', 'dead', now(), 600, 600
                        from generate_series(1, ?)""",
                        JOBS);
    }

    private static String dismissAll(TestDatabase database) {
        return database.jdbc()
                .queryForObject(
                        """
                        select start_bulk_action('{"kind": "operator", "name": "anna"}',
                          '{"operation": "dismiss", "filter": {"all": true}, "reason": "x"}') ->> 'bulkId'""",
                        String.class);
    }

    private static void assertDone(TestDatabase database, String bulk) {
        await().atMost(Duration.ofSeconds(60)).until(() -> database.jdbc()
                .queryForObject(
                        "select status = 'done' from bulk_actions where bulk_id = ?::uuid", Boolean.class, bulk));
        assertEquals(
                JOBS,
                database.jdbc()
                        .queryForObject("select done from bulk_actions where bulk_id = ?::uuid", Integer.class, bulk));
    }

    @Test
    void a_node_goes_on_with_the_action_that_an_earlier_one_left_and_hears_of_a_new_one(
            TestDatabase database, @TempDir Path home) {
        database.agents(Map.of("devops", new String[] {"infra.check"}));
        insertDead(database);
        String left = dismissAll(database);
        database.jdbc().queryForObject("select run_bulk_batch()", Boolean.class);

        try (TestBus bus = TestBus.start(database, null, home)) {
            assertDone(database, left);
            insertDead(database);
            assertDone(database, dismissAll(database));
            assertTrue(bus.exchanges("run-bulk-actions") >= 1);
        }
    }
}
