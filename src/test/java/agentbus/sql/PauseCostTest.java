package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

/** What claims cost while job types are paused and many of their jobs stand in front of other work. */
@ExtendWith(PostgresExtension.class)
class PauseCostTest {
    /** docs/reliability.md has the figures for 100,000. */
    private static final int PAUSED = 20_000;

    private static final String HOOK = "select claim_for_dispatch('d', 50, 1000)";
    private static final String PULL =
            """
            select jsonb_array_elements(claim_jobs('{"kind": "operator", "name": "anna"}',
              '{"targetAgent": "devops", "limit": 50}') -> 'jobs')""";

    /** Pages that a statement which returns some rows reads, in a transaction that is rolled back. */
    private static long pages(Machine bus, String statement, int rows) throws SQLException {
        try (Connection connection = bus.jdbc().getDataSource().getConnection()) {
            connection.setAutoCommit(false);
            Machine one = Machine.on(new SingleConnectionDataSource(connection, true));
            JsonNode plan = null;
            // The first call of a connection also plans.
            for (int i = 0; i < 2; i++) {
                plan = one.one("explain (analyze, buffers, format json) " + statement);
                connection.rollback();
            }
            connection.setAutoCommit(true);
            assertEquals(rows, plan.at("/0/Plan/Actual Rows").asInt());
            return Machine.pagesOf(plan);
        }
    }

    private static void paused(Machine bus) {
        bus.jdbc().execute("alter table jobs disable trigger user");
        bus.jdbc()
                .update(
                        "insert into jobs (namespace, target_agent, job_type, subject, state, priority, timeout_seconds,"
                                + " hard_timeout_seconds) select 'default', 'devops', 'dev.' || n % 10, 'infra.check', 'queued',"
                                + " 900, 1, 1 from generate_series(1, ?) n",
                        PAUSED);
        bus.jdbc().execute("alter table jobs enable trigger user");
    }

    @Test
    void many_queued_jobs_of_a_paused_type_in_front_of_other_work_cost_a_claim_nothing(TestDatabase database)
            throws SQLException {
        Machine bus = Machine.fresh(database);
        for (int i = 0; i < 5; i++) {
            bus.enqueue();
        }
        bus.jdbc().execute("analyze jobs");
        long hookAlone = pages(bus, HOOK, 5);
        long pullAlone = pages(bus, PULL, 5);
        paused(bus);
        bus.jdbc().execute("vacuum analyze jobs");

        bus.ask("pause", "kind", "job_type", "name", "dev", "reason", "measured");
        long hook = pages(bus, HOOK, 5);
        long pull = pages(bus, PULL, 5);
        assertTrue(hook <= hookAlone + 200, hookAlone + " pages alone, " + hook + " beside " + PAUSED);
        assertTrue(pull <= pullAlone + 200, pullAlone + " pages alone, " + pull + " beside " + PAUSED);

        bus.ask("pause", "kind", "everything", "reason", "measured");
        long nothing = pages(bus, HOOK, 0);
        assertTrue(nothing < 60, nothing + " pages while everything is paused");
        assertEquals(List.of(), bus.claimedIds(50));
    }
}
