package agentbus.sql;

import static agentbus.sql.Machine.agent;
import static agentbus.sql.Machine.json;
import static agentbus.sql.Machine.refusal;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

@ExtendWith(PostgresExtension.class)
class BlocksTest {
    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
    }

    private String nextMove(String job) {
        return bus.ask("get_job", "jobId", job).get("nextMove").asText();
    }

    private List<String> replans(String job) {
        return bus.jdbc()
                .queryForList(
                        "select state from jobs where subject = 'blocked.replan' and parent_job_id = ?::uuid order by seq",
                        String.class,
                        job);
    }

    private Attempt replan() {
        Attempt attempt = bus.claim();
        assertEquals("blocked.replan", attempt.claimed().get("subject").asText());
        bus.admitted(attempt);
        return attempt;
    }

    @Test
    void a_block_gives_its_attempt_back() {
        Attempt attempt = bus.running("maxAttempts", 1);

        bus.block(attempt, "person", "anna");

        assertEquals("blocked", bus.state(attempt.job()));
        assertEquals(0, bus.column(attempt.job(), "attempt_count", Integer.class));
        assertEquals("blocked", bus.ofAttempt(attempt, "status", String.class));
        assertEquals("no credentials", bus.column(attempt.job(), "blocked_reason", String.class));

        bus.ask("unblock_job", "jobId", attempt.job());
        assertEquals(attempt.job(), bus.claim().job(), "and so there is one left");
    }

    @Test
    void a_block_until_a_time_ends_with_it() {
        Attempt attempt = bus.running();
        bus.block(attempt, "at", "2100-01-01T00:00:00Z");
        assertTrue(nextMove(attempt.job()).startsWith("unblocks at 2100-01-01"));
        assertEquals(List.of(), replans(attempt.job()));
        assertEquals(0, bus.recover().size());

        bus.jdbc().update("update jobs set blocked_until = now() - interval '1 second'");
        JsonNode moved = bus.recover().get(0);

        assertEquals("unblocked", moved.get("what").asText());
        assertEquals("queued", bus.state(attempt.job()));
        assertTrue(bus.column(attempt.job(), "answer", String.class).startsWith("the time "));
        assertNull(bus.column(attempt.job(), "answered_by", String.class), "nobody said that");
        assertEquals(List.of("job.enqueued", "job.blocked", "job.unblocked"), bus.topics(attempt.job()));
    }

    @Test
    void a_block_on_an_agent_a_person_or_nothing_asks_the_coordinator() {
        Attempt agent = bus.running();
        bus.block(agent, "agent", "research");
        assertEquals("agent research or the coordinator", nextMove(agent.job()));
        assertEquals(List.of("queued"), replans(agent.job()));
        bus.jdbc().update("update agents set paused_at = now(), paused_reason = 'x' where agent_id = 'coordinator'");

        Attempt person = bus.running();
        bus.block(person, "person", "bert");
        assertEquals("bert or the coordinator", nextMove(person.job()));
        assertEquals(List.of("queued"), replans(person.job()));

        Attempt nobody = bus.running();
        bus.block(nobody);
        assertEquals("the coordinator", nextMove(nobody.job()));
        assertEquals(List.of("queued"), replans(nobody.job()));
    }

    @Test
    void a_block_on_an_unknown_agent_or_job_is_refused() {
        Attempt attempt = bus.running();

        assertEquals(
                "422 unknown_agent unblock.agent",
                refusal(() -> bus.block(attempt, "agent", "nobody")).brief());
        assertEquals(
                "422 unknown_job unblock.jobId",
                refusal(() -> bus.block(attempt, "jobId", UUID.randomUUID())).brief());
        assertEquals("running", bus.state(attempt.job()));
    }

    @ParameterizedTest
    @ValueSource(strings = {"succeeded", "failed", "dead", "cancelled"})
    void a_block_on_a_job_ends_with_any_end_of_it(String state) {
        Attempt other = bus.running("maxAttempts", 1);
        Attempt attempt = bus.running();
        bus.block(attempt, "jobId", other.job());
        assertEquals("the end of job " + other.job(), nextMove(attempt.job()));

        switch (state) {
            case "succeeded" -> bus.complete(other);
            case "failed" -> bus.fail(other, "retry", false);
            case "dead" -> bus.fail(other);
            default -> bus.ask("cancel_job", "jobId", other.job(), "reason", "x");
        }

        assertEquals("queued", bus.state(attempt.job()));
        assertTrue(bus.column(attempt.job(), "answer", String.class).endsWith(state));
    }

    @Test
    void a_block_on_a_job_that_has_ended_is_over_at_once() {
        String other = bus.dead();
        Attempt attempt = bus.running();

        JsonNode answer = bus.block(attempt, "jobId", other);

        assertEquals("queued", answer.at("/job/state").asText());
        assertEquals(
                "job " + other + " (infra.check) has ended dead", bus.column(attempt.job(), "answer", String.class));
        assertNull(bus.column(attempt.job(), "blocked_on_job", String.class));
    }

    @Test
    void a_block_on_a_waived_dependency_ends_with_any_end_of_it() {
        bus.jdbc().update("update agents set enabled = false where agent_id = 'coordinator'");
        String dependency = bus.dead();
        String job = bus.enqueue("dependsOn", List.of(dependency));
        bus.ask("unblock_job", "jobId", job);
        Attempt attempt = bus.claim();
        bus.ask("redrive_job", "jobId", dependency, "reason", "x");
        bus.block(attempt, "jobId", dependency);
        assertEquals("blocked", bus.state(job));

        bus.fail(bus.claim(), "retry", false);

        assertEquals("queued", bus.state(job), "it needed the end, not the success");
    }

    @Test
    void a_cycle_of_blocks_is_refused_with_its_path() {
        Attempt a = bus.running();
        Attempt b = bus.running();
        Attempt c = bus.running();
        bus.block(a, "jobId", b.job());
        bus.block(b, "jobId", c.job());

        Refusal refusal = refusal(() -> bus.block(c, "jobId", a.job()));

        assertEquals("409 dependency_cycle unblock.jobId", refusal.brief());
        assertTrue(
                refusal.message().endsWith(String.join(" -> ", c.job(), a.job(), b.job(), c.job())), refusal.message());
        assertEquals("running", bus.state(c.job()));
        assertEquals(
                "409 dependency_cycle unblock.jobId",
                refusal(() -> bus.block(c, "jobId", c.job())).brief());
    }

    @Test
    void a_block_on_a_job_that_depends_on_this_one_is_refused() {
        Attempt a = bus.running();
        String dependent = bus.enqueue("dependsOn", List.of(a.job()));

        assertEquals(
                "409 dependency_cycle unblock.jobId",
                refusal(() -> bus.block(a, "jobId", dependent)).brief());
    }

    @Test
    void a_cancelled_dependent_makes_no_cycle() {
        Attempt a = bus.running();
        String dependent = bus.enqueue("dependsOn", List.of(a.job()));
        bus.ask("cancel_job", "jobId", dependent, "reason", "x");

        assertEquals("queued", bus.block(a, "jobId", dependent).at("/job/state").asText());
    }

    @Test
    void two_jobs_that_block_on_each_other_at_once_end_in_one_block_and_one_refusal() throws Exception {
        Attempt a = bus.running();
        Attempt b = bus.running();
        List<CompletableFuture<JsonNode>> both = new ArrayList<>();
        try (Connection connection = bus.jdbc().getDataSource().getConnection()) {
            // Both are held at the gate of the cycle check, and let go together.
            connection.setAutoCommit(false);
            Machine.on(new SingleConnectionDataSource(connection, true)).jdbc().queryForList("select lock_cycles()");
            both.add(CompletableFuture.supplyAsync(() -> bus.block(a, "jobId", b.job())));
            both.add(CompletableFuture.supplyAsync(() -> bus.block(b, "jobId", a.job())));
            await().until(() ->
                    bus.count("pg_stat_activity where datname = current_database()" + " and wait_event = 'advisory'")
                            == 2);
            connection.commit();
            connection.setAutoCommit(true);
        }
        List<String> refusals = new ArrayList<>();
        for (CompletableFuture<JsonNode> one : both) {
            try {
                one.get(20, TimeUnit.SECONDS);
            } catch (ExecutionException e) {
                refusals.add(refusal(() -> {
                            throw e.getCause();
                        })
                        .brief());
            }
        }
        assertEquals(List.of("409 dependency_cycle unblock.jobId"), refusals);
        assertEquals(1, bus.count("jobs where state = 'blocked'"));
        assertEquals(1, bus.count("jobs where state = 'running'"));
    }

    @Test
    void a_wide_net_of_waits_is_searched_once_not_path_by_path() {
        Attempt a = bus.running();
        List<String> layer = List.of(bus.enqueue("delaySeconds", 9), bus.enqueue("delaySeconds", 9));
        for (int i = 0; i < 24; i++) {
            layer = List.of(bus.enqueue("dependsOn", layer), bus.enqueue("dependsOn", layer));
        }
        bus.block(a, "jobId", layer.get(0));

        assertEquals("blocked", bus.state(a.job()));
    }

    @Test
    void those_who_may_unblock() {
        for (JsonNode who : List.of(agent("coordinator"), agent("research"), agent("devops"), Machine.operator())) {
            Attempt attempt = bus.running("sourceAgent", "devops");
            bus.block(attempt, "agent", "research");

            JsonNode job = bus.call("unblock_job", who, json("jobId", attempt.job(), "answer", "in the vault"));

            assertEquals("queued", job.get("state").asText());
            assertEquals("in the vault", job.get("answer").asText());
            assertEquals(
                    who.get("kind").asText() + ":" + who.get("name").asText(),
                    job.get("answeredBy").asText());
            assertEquals(job.get("answeredBy"), bus.claim().claimed().get("answeredBy"));
            bus.ask("cancel_job", "jobId", attempt.job(), "reason", "next");
        }
    }

    @Test
    void others_may_not_unblock() {
        Attempt attempt = bus.running();
        bus.block(attempt, "person", "anna");

        Refusal refusal = refusal(() -> bus.call("unblock_job", agent("research"), json("jobId", attempt.job())));

        assertEquals("403 forbidden jobId", refusal.brief());
        assertEquals("an operator, or one of: coordinator", refusal.expected());
        assertEquals("blocked", bus.state(attempt.job()));
    }

    @Test
    void only_a_blocked_job_can_be_unblocked() {
        assertEquals(
                "409 wrong_state jobId",
                refusal(() -> bus.ask("unblock_job", "jobId", bus.enqueue())).brief());
        assertEquals(
                "404 unknown_job jobId",
                refusal(() -> bus.ask("unblock_job", "jobId", UUID.randomUUID()))
                        .brief());
    }

    @Test
    void the_question_to_the_coordinator_is_withdrawn_when_the_block_ends() {
        Attempt attempt = bus.running();
        bus.block(attempt, "person", "anna");
        String after = bus.enqueue(
                "dependsOn",
                List.of(bus.jdbc()
                        .queryForObject("select job_id from jobs where subject = 'blocked.replan'", String.class)));

        bus.ask("unblock_job", "jobId", attempt.job());

        assertEquals(List.of("cancelled"), replans(attempt.job()));
        assertEquals("blocked", bus.state(after), "who waited for the question hears of it");
    }

    @Test
    void a_coordinator_at_work_on_the_question_is_left_to_finish() {
        Attempt attempt = bus.running();
        bus.block(attempt, "person", "anna");
        Attempt replan = replan();

        bus.call("unblock_job", bus.principal(replan), json("jobId", attempt.job(), "answer", "use the vault"));

        assertEquals(List.of("running"), replans(attempt.job()));
        bus.complete(replan);
        assertEquals("queued", bus.state(attempt.job()));
    }

    @Test
    void a_second_block_is_asked_about_while_the_first_question_is_still_at_work() {
        Attempt attempt = bus.running();
        bus.block(attempt, "person", "anna");
        Attempt replan = replan();
        bus.call("unblock_job", bus.principal(replan), json("jobId", attempt.job()));
        Attempt again = bus.claim();

        bus.block(again, "person", "bert");

        assertEquals(List.of("running", "queued"), replans(attempt.job()), "nobody else would hear of it");
    }

    @Test
    void a_blocked_question_to_the_coordinator_goes_to_an_operator() {
        Attempt attempt = bus.running();
        bus.block(attempt);
        Attempt replan = replan();

        bus.block(replan);

        assertTrue(bus.topics(replan.job()).contains("job.needs_operator"));
        assertEquals(List.of(), replans(replan.job()));
    }

    @Test
    void what_a_change_by_hand_left_blocked_is_found_by_the_sweep() {
        Attempt other = bus.running();
        Attempt attempt = bus.running();
        bus.complete(other);
        bus.block(attempt, "at", "2100-01-01T00:00:00Z");
        bus.jdbc()
                .update(
                        "update jobs set blocked_until = null, blocked_on_job = ?::uuid where job_id = ?::uuid",
                        other.job(),
                        attempt.job());

        assertEquals(1, bus.recover().size());
        assertEquals("queued", bus.state(attempt.job()));
    }

    @Test
    void a_sweep_checks_one_part_of_the_blocked_jobs_and_the_next_sweep_the_next_part() {
        Attempt other = bus.running();
        bus.jdbc()
                .update(
                        """
                        insert into jobs (namespace, target_agent, job_type, subject, state, timeout_seconds,
                          hard_timeout_seconds, blocked_reason, blocked_on_job)
                        select 'default', 'devops', 'reactive', 'infra.repair', 'blocked', 600, 600, 'x', ?::uuid
                        from generate_series(1, 25)""",
                        other.job());
        bus.jdbc().execute("alter table jobs disable trigger user");
        try {
            bus.jdbc()
                    .update(
                            "update jobs set state = 'succeeded', ended_at = now(), live_attempt = null,"
                                    + " leased_until = null where job_id = ?::uuid",
                            other.job());
        } finally {
            bus.jdbc().execute("alter table jobs enable trigger user");
        }

        assertEquals(List.of(10L, 20L, 25L, 25L), List.of(swept(), swept(), swept(), swept()));
    }

    /** Sweeps with room for ten jobs; returns the number of jobs that have left their blocks by now. */
    private long swept() {
        bus.jdbc().queryForList("select move_blocked(10)");
        return bus.count("jobs where subject = 'infra.repair' and state = 'queued'");
    }
}
