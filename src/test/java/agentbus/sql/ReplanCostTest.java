package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.sql.Connection;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

/** A cancel and the end of a block look for the blocked.replan jobs about a job, which are among the jobs below it. */
@ExtendWith(PostgresExtension.class)
class ReplanCostTest {
    @Test
    void the_replans_about_a_job_are_found_without_a_look_at_all_jobs_below_it(TestDatabase database)
            throws SQLException {
        Machine bus = Machine.fresh(database);
        long few = pages(bus, parentOf(bus, 2));
        long many = pages(bus, parentOf(bus, 3_000));

        assertTrue(many <= few + 20, few + " pages with 2 jobs below, " + many + " with 3,000");
    }

    private static String parentOf(Machine bus, int children) {
        String parent = bus.enqueue();
        bus.jdbc()
                .update(
                        "insert into jobs (namespace, target_agent, job_type, subject, state, timeout_seconds,"
                                + " hard_timeout_seconds, parent_job_id) select 'default', 'devops', 'reactive',"
                                + " 'infra.check', 'queued', 1, 1, ?::uuid from generate_series(1, ?)",
                        parent,
                        children);
        bus.jdbc().execute("vacuum analyze jobs");
        return parent;
    }

    private static long pages(Machine bus, String job) throws SQLException {
        try (Connection connection = bus.jdbc().getDataSource().getConnection()) {
            Machine one = Machine.on(new SingleConnectionDataSource(connection, true));
            JsonNode plan = null;
            // The first call of a connection also plans.
            for (int i = 0; i < 2; i++) {
                plan = one.one("explain (analyze, buffers, format json) select drop_replans(array['" + job
                        + "'::uuid], '{}')");
            }
            return Machine.pagesOf(plan);
        }
    }
}
