package agentbus.routes;

import static org.junit.jupiter.api.Assertions.assertEquals;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestBus;
import agentbus.harness.TestDatabase;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(PostgresExtension.class)
class RetirementTest {
    @Test
    void the_route_moves_batch_after_batch_until_nothing_is_old_enough(TestDatabase database, @TempDir Path home) {
        try (TestBus bus = TestBus.start(
                database,
                null,
                home,
                "agentbus.history.batch-size",
                "3",
                "agentbus.history.pause-ms",
                "1",
                // Not beside the test.
                "agentbus.history.cron",
                "0 0 0 1 1 ? *")) {
            database.jdbc()
                    .update(
                            "insert into jobs (namespace, target_agent, job_type, subject, state, ended_at, timeout_seconds,"
                                    + " hard_timeout_seconds) select 'default', 'devops', 'reactive', 's', 'succeeded',"
                                    + " now() - interval '31 days', 1, 1 from generate_series(1, 10)");

            bus.bus().camel().createProducerTemplate().sendBody("direct:retire-finished-work", "");

            assertEquals(0, database.jdbc().queryForObject("select count(*) from jobs", Integer.class));
            assertEquals(10, database.jdbc().queryForObject("select count(*) from jobs_history", Integer.class));
            // Four batches of jobs, one look at slots, today's events and audit rows, and one look for each rule.
            int rules = database.jdbc().queryForObject("select count(*) from retention_rules", Integer.class);
            assertEquals(1, bus.exchanges("retire-finished-work"));
            assertEquals(7 + rules, bus.exchanges("retire-batch"));
        }
    }
}
