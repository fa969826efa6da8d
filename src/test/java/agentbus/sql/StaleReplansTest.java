package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import java.sql.Connection;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Jobs of the coordinator about blocks that are over. */
@ExtendWith(PostgresExtension.class)
class StaleReplansTest {
    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
    }

    private String replan(String about) {
        return bus.jdbc()
                .queryForObject(
                        "select job_id::text from jobs where subject = 'blocked.replan' and parent_job_id = ?::uuid"
                                + " order by seq limit 1",
                        String.class,
                        about);
    }

    private List<String> cancelled() {
        bus.jdbc().queryForList("select audit_bus(now())");
        return bus.jdbc()
                .queryForList(
                        "select job_id::text from jobs where subject = 'blocked.replan' and state = 'cancelled'"
                                + " order by seq",
                        String.class);
    }

    /** Ends the block of a job while another call has locked the replan job about it. */
    private void unblockPast(TestDatabase database, String job, String replan) throws Exception {
        try (Connection other = database.jdbc().getDataSource().getConnection()) {
            other.setAutoCommit(false);
            try (var lock = other.createStatement()) {
                lock.execute("select from jobs where job_id = '" + replan + "' for no key update");
            }
            bus.ask("unblock_job", "jobId", job, "answer", "here it is");
            other.rollback();
        }
        assertEquals("queued", bus.state(replan), "passed over");
    }

    @Test
    void a_replan_job_that_was_locked_is_cancelled_later(TestDatabase database) throws Exception {
        Attempt attempt = bus.running();
        bus.block(attempt, "person", "anna");
        String replan = replan(attempt.job());
        assertEquals(List.of(), cancelled(), "its job is blocked");

        unblockPast(database, attempt.job(), replan);

        assertEquals(List.of(replan), cancelled());
    }

    @Test
    void of_two_replan_jobs_about_one_job_the_newer_one_stays(TestDatabase database) throws Exception {
        Attempt attempt = bus.running();
        bus.block(attempt, "person", "anna");
        String replan = replan(attempt.job());
        unblockPast(database, attempt.job(), replan);
        bus.jdbc().update("update jobs set run_after = now() + interval '1 hour' where job_id = ?::uuid", replan);
        Attempt again = bus.claim();
        bus.admitted(again);
        bus.block(again, "person", "bert");

        assertEquals(List.of(replan), cancelled());
        assertEquals(1, bus.count("jobs where subject = 'blocked.replan' and state = 'queued'"));
    }
}
