package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import java.sql.Connection;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

/** Claims pass over what has moved on; whatever is due, however it became so, they find. */
@ExtendWith(PostgresExtension.class)
class ClaimMarkTest {
    private Machine bus;

    @BeforeEach
    void start(TestDatabase database) {
        bus = Machine.fresh(database);
    }

    /** The sweep looks, whenever it looked last, after newer work has come and gone. */
    private void look() {
        bus.complete(bus.running());
        bus.jdbc().update("update claim_mark set looked_at = '-infinity'");
        bus.recover();
    }

    private boolean passedOver(String job) {
        return bus.count(
                        "jobs where job_id = ?::uuid and moved_xid < case state"
                                + " when 'queued' then lane_floor(namespace, target_agent) else claim_floor() end",
                        job)
                == 1;
    }

    /** A job that claims pass over, for its start is an hour off. */
    private String farOff() {
        String job = bus.enqueue("delaySeconds", 3600);
        look();
        assertTrue(passedOver(job));
        return job;
    }

    @Test
    void a_job_that_waits_for_its_agent_holds_the_mark() {
        bus.ask("pause_agent", "agentId", "research", "reason", "later");
        String job = bus.enqueue("targetAgent", "research", "subject", "research.packet");

        look();

        bus.ask("resume_agent", "agentId", "research");
        assertEquals(List.of(job), bus.claimedIds(5));
    }

    @Test
    void a_job_at_work_holds_the_mark_and_is_counted() {
        bus.jdbc().update("update agents set max_concurrency = 2 where agent_id = 'devops'");
        Attempt atWork = bus.running();

        look();

        assertEquals(false, passedOver(atWork.job()));
        bus.enqueue();
        bus.enqueue();
        assertEquals(1, bus.claimedIds(5).size());
    }

    /** The number that a transaction has, or gets by this call. */
    private static String number(Machine open) {
        return open.jdbc().queryForObject("select pg_current_xact_id()::text", String.class);
    }

    private boolean marksPass(String transaction) {
        return bus.jdbc()
                .queryForObject(
                        "select claim_floor() > ?::xid8 and lane_floor('default', 'devops') > ?::xid8",
                        Boolean.class,
                        transaction,
                        transaction);
    }

    @Test
    void the_marks_pass_an_enqueue_that_stays_open_and_its_job_is_claimed_when_it_commits() throws Exception {
        try (Connection connection = bus.jdbc().getDataSource().getConnection()) {
            connection.setAutoCommit(false);
            Machine open = Machine.on(new SingleConnectionDataSource(connection, true));
            String job = open.enqueue();
            String transaction = number(open);

            look();

            assertEquals(true, marksPass(transaction));
            connection.commit();
            connection.setAutoCommit(true);
            assertEquals(false, passedOver(job));
            assertEquals(List.of(job), bus.claimedIds(5));
        }
    }

    @Test
    void the_marks_pass_an_enqueue_that_stays_open_and_its_job_is_found_by_a_worker_that_pulls() throws Exception {
        try (Connection connection = bus.jdbc().getDataSource().getConnection()) {
            connection.setAutoCommit(false);
            String job =
                    Machine.on(new SingleConnectionDataSource(connection, true)).enqueue();

            look();

            connection.commit();
            connection.setAutoCommit(true);
            assertEquals(
                    job,
                    bus.ask("claim_jobs", "targetAgent", "devops")
                            .at("/jobs/0/jobId")
                            .asText());
        }
    }

    @Test
    void a_job_that_a_transaction_older_than_its_claim_moves_is_counted_when_it_commits() throws Exception {
        bus.jdbc().update("update agents set max_concurrency = 2 where agent_id = 'devops'");
        try (Connection connection = bus.jdbc().getDataSource().getConnection()) {
            connection.setAutoCommit(false);
            Machine open = Machine.on(new SingleConnectionDataSource(connection, true));
            String transaction = number(open);
            Attempt atWork = bus.leased();
            open.admitted(atWork);

            look();

            assertEquals(true, marksPass(transaction));
            connection.commit();
            connection.setAutoCommit(true);
            assertEquals(false, passedOver(atWork.job()));
            bus.enqueue();
            bus.enqueue();
            assertEquals(1, bus.claimedIds(5).size());
        }
    }

    @Test
    void a_transaction_that_is_undone_takes_no_mark_away_for_longer_than_until_the_next_look() throws Exception {
        String transaction;
        try (Connection connection = bus.jdbc().getDataSource().getConnection()) {
            connection.setAutoCommit(false);
            Machine open = Machine.on(new SingleConnectionDataSource(connection, true));
            transaction = number(open);
            look();
            connection.rollback();
            connection.setAutoCommit(true);
        }
        assertEquals(false, marksPass(transaction));

        look();

        assertEquals(true, marksPass(transaction));
    }

    @Test
    void a_job_whose_start_was_far_off_is_claimed_when_somebody_brings_it_nearer() {
        String job = farOff();

        bus.makeDue(job);

        assertEquals(List.of(job), bus.claimedIds(5));
    }

    @Test
    void a_job_whose_start_comes_holds_the_mark_from_a_minute_before() {
        String job = bus.enqueue("delaySeconds", 50);

        look();

        assertEquals(false, passedOver(job));
    }

    @Test
    void a_job_that_waited_for_another_is_claimed_when_that_has_succeeded() {
        Attempt first = bus.running();
        String second = bus.enqueue("dependsOn", List.of(first.job()));
        look();

        bus.complete(first);

        assertEquals(List.of(second), bus.claimedIds(5));
    }

    @Test
    void a_mark_that_nobody_renews_holds_for_half_a_minute() {
        String job = farOff();

        bus.jdbc().update("update claim_mark set looked_at = now() - interval '31 seconds'");
        bus.jdbc().update("update lane_marks set looked_at = now() - interval '31 seconds'");

        assertEquals(false, passedOver(job));
    }

    @Test
    void a_due_job_of_a_paused_agent_holds_back_neither_another_lane_nor_the_jobs_at_work() {
        bus.ask("pause_agent", "agentId", "research", "reason", "later");
        String waiting = bus.enqueue("targetAgent", "research", "subject", "research.packet");
        look();

        String moved = "moved_xid from jobs where job_id = ?::uuid) < ";
        assertEquals(
                true, bus.jdbc().queryForObject("select (select " + moved + "claim_floor()", Boolean.class, waiting));
        assertEquals(
                true,
                bus.jdbc()
                        .queryForObject(
                                "select (select " + moved + "lane_floor('default', 'devops')", Boolean.class, waiting));
        assertEquals(false, passedOver(waiting));
    }

    @Test
    void a_look_that_took_long_is_followed_by_a_longer_rest() {
        assertEquals("00:00:02", bus.jdbc().queryForObject("select claim_mark_rest(10)::text", String.class));
        assertEquals("00:00:12.5", bus.jdbc().queryForObject("select claim_mark_rest(500)::text", String.class));
        assertEquals("00:00:15", bus.jdbc().queryForObject("select claim_mark_rest(60000)::text", String.class));
    }
}
