package agentbus.sql;

import static agentbus.sql.Machine.refusal;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

/** Stop everything: the live attempts end, nothing is claimed, and it stays so until somebody resumes. */
@ExtendWith(PostgresExtension.class)
class StopEverythingTest {
    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
    }

    private JsonNode stop() {
        return bus.ask("stop_everything", "reason", "agents write to production");
    }

    private void resume() {
        bus.ask("resume", "kind", "everything", "reason", "the cause is removed");
    }

    private void sweep() {
        bus.jdbc().execute("select sweep_pauses()");
    }

    @Test
    void a_run_that_goes_on_after_its_job_is_named_once_until_its_end_is_reported() {
        GatewayReports gateway = new GatewayReports(bus);
        Attempt closed = bus.running();
        gateway.started(closed);
        bus.complete(closed);
        Attempt live = bus.running();
        gateway.started(live);

        assertEquals(2, stop().get("running").size());
        assertEquals(2, bus.ask("list_pauses").at("/pauses/0/running").asInt());

        gateway.ended(closed, true, "durationMs", 0);
        JsonNode running = stop().get("running");
        assertEquals(1, running.size());
        assertEquals(live.job(), running.at("/0/jobId").asText());
    }

    @Test
    void live_attempts_end_uncounted_their_jobs_are_queued_and_their_runs_are_aborted() {
        Attempt running = bus.running();
        Attempt called = bus.leased();
        bus.keepPrompt(Machine.D1, called, "do it");
        Attempt unsent = bus.leased();

        JsonNode answer = stop();

        assertEquals("stopped", answer.get("status").asText());
        assertEquals(3, answer.get("ended").asInt());
        assertEquals(0, answer.get("left").asInt());
        assertEquals(2, answer.get("aborting").asInt(), "no run of the third can exist");
        assertEquals(3, answer.get("running").size());
        assertEquals("devops", answer.at("/running/0/targetAgent").asText());
        assertEquals("default", answer.at("/running/0/gateway").asText());
        for (Attempt attempt : List.of(running, called, unsent)) {
            assertEquals("queued", bus.state(attempt.job()));
            assertEquals(0, bus.column(attempt.job(), "attempt_count", Integer.class));
            assertEquals("cancelled", bus.ofAttempt(attempt, "status", String.class));
            String move =
                    bus.ask("get_job", "jobId", attempt.job()).get("nextMove").asText();
            assertTrue(
                    move.matches("everything is stopped by operator:anna since \\S+Z: agents write to production"),
                    move);
        }
        assertTrue(bus.ask("health").at("/problems/0").asText().startsWith("everything is stopped by operator:anna"));
    }

    @Test
    void late_calls_of_the_ended_attempts_are_stale_and_a_late_admission_is_aborted() {
        Attempt running = bus.running();
        Attempt called = bus.leased();
        bus.keepPrompt(Machine.D1, called, "do it");
        stop();

        assertEquals("stale_attempt", bus.complete(running).at("/problem/code").asText());
        assertEquals(
                "stale_attempt",
                bus.say(running, "renew_job_lease").at("/problem/code").asText());
        bus.admitted(called);

        assertEquals("queued", bus.state(called.job()));
        assertEquals(2, bus.count("run_aborts where done_at is null"));
        assertFalse(
                bus.jdbc()
                        .queryForObject(
                                "select exists (select from keep_prompts(?, array[?::uuid], '{x}', '{h}', '{t}', '{00}'))",
                                Boolean.class,
                                Machine.D1,
                                running.id()),
                "no further prompt is sent");
    }

    @Test
    void nothing_is_claimed_by_hook_or_pull_until_somebody_resumes() {
        Attempt attempt = bus.running();
        stop();
        String later = bus.enqueue();

        assertEquals(List.of(), bus.claimedIds(10));
        assertEquals(
                0, bus.ask("claim_jobs", "targetAgent", "devops").get("jobs").size());
        bus.recover();
        sweep();
        assertEquals(List.of(), bus.claimedIds(10));
        assertEquals(
                "wrong_state",
                refusal(() -> bus.ask("pause", "kind", "everything", "reason", "less"))
                        .code());

        resume();
        assertEquals(List.of(attempt.job(), later), bus.claimedIds(10));
        assertEquals(1, bus.column(attempt.job(), "attempt_count", Integer.class));
        assertEquals(2, bus.column(attempt.job(), "attempt_no", Integer.class));
        assertEquals(0, bus.ask("list_pauses").get("pauses").size());
    }

    @Test
    void a_repeated_stop_keeps_the_first_and_says_what_is_still_aborting() {
        Attempt attempt = bus.running();
        JsonNode first = stop();
        JsonNode again = bus.ask("stop_everything", "reason", "me too");

        assertFalse(again.get("changed").asBoolean());
        assertEquals(first.get("pauseId"), again.get("pauseId"));
        assertEquals("agents write to production", again.get("reason").asText());
        assertEquals(attempt.job(), again.at("/running/0/jobId").asText());
        assertEquals(1, bus.ask("list_pauses").at("/pauses/0/running").asInt());

        bus.jdbc().update("update run_aborts set done_at = now(), outcome = 'aborted'");
        assertEquals(0, stop().get("running").size());
        assertEquals(0, bus.ask("list_pauses").at("/pauses/0/running").asInt());
    }

    @Test
    void a_drain_of_everything_becomes_a_stop() {
        Attempt attempt = bus.running();
        bus.ask("drain", "kind", "everything", "reason", "for the update");

        JsonNode answer = stop();

        assertTrue(answer.get("changed").asBoolean());
        assertEquals("stopped", answer.get("status").asText());
        assertEquals("queued", bus.state(attempt.job()));
        assertEquals(1, bus.count("pauses"));
    }

    @Test
    void the_stop_waits_for_no_locked_job_and_the_sweep_ends_it() throws SQLException {
        Attempt held = bus.running();
        Attempt free = bus.running();
        try (Connection other = bus.jdbc().getDataSource().getConnection()) {
            other.setAutoCommit(false);
            Machine.on(new SingleConnectionDataSource(other, true))
                    .jdbc()
                    .queryForList("select from jobs where job_id = ?::uuid for update", held.job());

            JsonNode answer = stop();

            assertEquals(1, answer.get("ended").asInt());
            assertEquals(1, answer.get("left").asInt());
            assertEquals(2, answer.get("running").size());
            other.rollback();
            other.setAutoCommit(true);
        }
        sweep();

        assertEquals("queued", bus.state(held.job()));
        assertEquals("queued", bus.state(free.job()));
        assertEquals("stale_attempt", bus.complete(held).at("/problem/code").asText());
        assertEquals(
                "stopped",
                bus.ask("list_pauses").at("/pauses/0/status").asText(),
                "the sweep ends attempts and not the stop");
    }

    @Test
    void a_claim_that_is_under_way_is_waited_for_and_ended_too() throws Exception {
        String job = bus.enqueue();
        try (Connection claimer = bus.jdbc().getDataSource().getConnection()) {
            claimer.setAutoCommit(false);
            Machine claiming = Machine.on(new SingleConnectionDataSource(claimer, true));
            assertEquals(List.of(job), claiming.claimedIds(1));
            CompletableFuture<JsonNode> stopping = CompletableFuture.supplyAsync(this::stop);
            await().atMost(Duration.ofSeconds(20))
                    .until(() -> bus.count("pg_locks where locktype = 'advisory' and not granted") > 0);
            claimer.commit();
            claimer.setAutoCommit(true);

            assertEquals(1, stopping.get().get("ended").asInt());
        }
        assertEquals("queued", bus.state(job));
    }

    @Test
    void other_namespaces_go_on() {
        bus.jdbc().update("insert into namespaces values ('other') on conflict do nothing");
        bus.jdbc()
                .update("insert into gateways (namespace, gateway) values ('other', 'default') on conflict do nothing");
        bus.jdbc()
                .update(
                        "insert into agents (namespace, agent_id, accepts) values ('other', 'devops', '{infra.check}')");
        Attempt other = bus.running("namespace", "other");
        stop();

        assertEquals("running", bus.state(other.job()));
        String job = bus.enqueue("namespace", "other");
        bus.complete(other);
        assertEquals(List.of(job), bus.claimedIds(10));
    }

    @Test
    void of_ten_thousand_pulled_attempts_the_answer_ends_the_first_batch_and_the_sweep_the_rest() {
        Attempt hook = bus.running();
        bus.jdbc()
                .execute(
                        """
                        with made as (
                          insert into jobs (namespace, target_agent, job_type, subject, state, timeout_seconds,
                            hard_timeout_seconds, live_attempt, leased_until, lease_owner, delivery, attempt_no,
                            attempt_count)
                          select 'default', 'devops', 'reactive', 'infra.check', 'leased', 60, 60, new_id(),
                            now() + interval '1 hour', 'worker:w', 'pull', 1, 1
                          from generate_series(1, 9999)
                          returning job_id, live_attempt)
                        insert into job_attempts (attempt_id, namespace, job_id, attempt_no, dispatcher_id, gateway)
                        select live_attempt, 'default', job_id, 1, 'worker:w', 'default' from made""");
        bus.jdbc().execute("analyze jobs, job_attempts");

        JsonNode answer = stop();

        assertEquals(2_000, answer.get("ended").asInt());
        assertEquals(8_000, answer.get("left").asInt());
        assertEquals(200, answer.get("running").size());
        assertEquals("queued", bus.state(hook.job()), "runs of gateways come first");
        sweep();
        assertEquals(4_000, bus.count("jobs where state = 'queued'"), "a resume waits for one batch at most");
        for (int sweeps = 2; sweeps <= 4; sweeps++) {
            sweep();
        }
        assertEquals(10_000, bus.count("jobs where state = 'queued' and attempt_count = 0"));
        assertEquals(10_000, bus.count("job_attempts where status = 'cancelled'"));
        assertEquals(1, bus.ask("list_pauses").at("/pauses/0/running").asInt(), "the run that is being aborted");
    }
}
