package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

@ExtendWith(PostgresExtension.class)
class ClaimCostTest {
    private static final int HISTORY = 100_000;

    /** Pages that a claim of five jobs looks at; the claim is taken back. */
    private long pages(Machine bus) throws SQLException {
        try (Connection connection = bus.jdbc().getDataSource().getConnection()) {
            connection.setAutoCommit(false);
            JsonNode plan = Machine.on(new SingleConnectionDataSource(connection, true))
                    .one("explain (analyze, buffers, format json) select claim_for_dispatch('d', 50, 1000)");
            connection.rollback();
            connection.setAutoCommit(true);
            assertEquals(5, plan.at("/0/Plan/Actual Rows").asInt());
            return Machine.pagesOf(plan);
        }
    }

    @Test
    void the_cost_of_a_claim_does_not_grow_with_history(TestDatabase database) throws SQLException {
        Machine bus = Machine.fresh(database);
        for (int i = 0; i < 20; i++) {
            bus.enqueue();
        }
        bus.jdbc().execute("analyze jobs");
        pages(bus);
        long before = pages(bus);

        bus.jdbc().execute("alter table jobs disable trigger user");
        bus.jdbc()
                .update(
                        "insert into jobs (namespace, target_agent, job_type, subject, state, ended_at, timeout_seconds, hard_timeout_seconds)"
                                + " select 'default', 'devops', 'reactive', 'infra.check', 'succeeded', now(), 1, 1"
                                + " from generate_series(1, ?)",
                        HISTORY);
        bus.jdbc().execute("alter table jobs enable trigger user");
        bus.jdbc().execute("vacuum analyze jobs");
        pages(bus);
        long after = pages(bus);

        assertTrue(after <= before * 2 + 20, before + " pages before, " + after + " with history");
        assertEquals(5, bus.claimedIds(50).size());
        List<String> plan = bus.jdbc()
                .queryForList(
                        "explain select job_id from jobs where namespace = 'default' and target_agent = 'devops'"
                                + " and state = 'queued' and run_after <= now()"
                                + " order by is_proactive(job_type), priority desc, run_after, seq limit 5"
                                + " for no key update skip locked",
                        String.class);
        assertTrue(plan.toString().contains("Index Scan using jobs_to_claim"), plan.toString());
        assertTrue(!plan.toString().contains("Sort"), plan.toString());
    }

    @Test
    void the_cost_of_a_claim_does_not_grow_while_a_transaction_is_held_open(TestDatabase database) throws SQLException {
        staysFlatBeside(database, "select count(*) from jobs");
    }

    @Test
    void the_cost_of_a_claim_does_not_grow_while_a_transaction_that_has_written_is_held_open(TestDatabase database)
            throws SQLException {
        staysFlatBeside(database, "select pg_current_xact_id()");
    }

    private void staysFlatBeside(TestDatabase database, String held) throws SQLException {
        Machine bus = Machine.fresh(database);
        try (Connection holder = bus.jdbc().getDataSource().getConnection()) {
            holder.setAutoCommit(false);
            holder.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
            holder.createStatement().executeQuery(held).close();
            long before = pagesWithWork(bus);
            for (int i = 0; i < 300; i++) {
                bus.complete(bus.running());
            }
            long after = pagesWithWork(bus);
            holder.rollback();
            holder.setAutoCommit(true);

            assertTrue(after <= before * 2 + 20, before + " pages before, " + after + " after 300 jobs");
        }
    }

    /** Pages that a claim looks at while jobs are due, right after the sweep has looked. */
    private long pagesWithWork(Machine bus) throws SQLException {
        List<String> due = IntStream.range(0, 5).mapToObj(i -> bus.enqueue()).toList();
        bus.jdbc().update("update claim_mark set looked_at = '-infinity'");
        bus.recover();
        pages(bus);
        long pages = pages(bus);
        due.forEach(job -> bus.ask("cancel_job", "jobId", job, "reason", "measured"));
        return pages;
    }

    @Test
    void an_idle_job_costs_a_claim_two_pages_at_most_and_an_idle_run_as_well(TestDatabase database)
            throws SQLException {
        Machine bus = Machine.fresh(database);
        IntStream.range(0, 5).forEach(i -> bus.enqueue());
        pages(bus);
        long without = pages(bus);

        Idle idle = Idle.of(bus);
        bus.jdbc()
                .update(
                        "update agents set idle_questions = array(select 'What of ' || n from generate_series(1, 60) n)");
        String thinking = idle.queued("research");
        bus.jdbc()
                .update(
                        "update jobs set run_after = now() + interval '1 hour' where state = 'queued' and job_type <> 'idle'");
        assertEquals(List.of(thinking), bus.claimedIds(50));
        for (int i = 0; i < 50; i++) {
            idle.queued("devops");
        }
        bus.jdbc()
                .update(
                        "update jobs set run_after = now() - interval '1 second' where state = 'queued' and job_type <> 'idle'");
        pages(bus);
        long with = pages(bus);

        assertTrue(with <= without + 2 * 51, without + " pages without idle jobs, " + with + " with 51 of them");
    }
}
