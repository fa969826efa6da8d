package agentbus.sql;

import static agentbus.sql.Machine.D1;
import static agentbus.sql.Machine.D2;
import static agentbus.sql.Machine.refusal;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

@ExtendWith(PostgresExtension.class)
class ClaimTest {
    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
    }

    private void capacity(String agent, int jobs) {
        bus.jdbc().update("update agents set max_concurrency = ? where agent_id = ?", jobs, agent);
    }

    private String research(Object... more) {
        List<Object> all = new ArrayList<>(List.of(more));
        all.addAll(List.of("targetAgent", "research", "subject", "research.packet"));
        return bus.enqueue(all.toArray());
    }

    @Test
    void the_highest_priority_goes_first_then_the_oldest() {
        String first = bus.enqueue();
        String second = bus.enqueue();
        String low = bus.enqueue("priority", 1);
        String high = research("priority", 1000);

        assertEquals(List.of(high, first, second, low), bus.claimedIds(10));
    }

    @Test
    void proactive_work_comes_after_all_other_work_whatever_its_priority() {
        String high = bus.enqueue("jobType", "proactive", "priority", 1000);
        String low = bus.enqueue("jobType", "proactive", "priority", 999);
        String elsewhere = research("jobType", "proactive", "priority", 998);
        String other = bus.enqueue("priority", 1);

        assertEquals(List.of(other), bus.claimedIds(1));
        assertEquals(List.of(high, low, elsewhere), bus.claimedIds(10), "among themselves by priority");
    }

    @Test
    void a_worker_and_a_lane_with_a_paused_type_take_proactive_work_last_too() {
        bus.enqueue("jobType", "proactive", "priority", 1000);
        String other = bus.enqueue("priority", 1);
        String recovery = bus.enqueue("jobType", "recovery", "priority", 2);

        assertEquals(
                recovery,
                bus.ask("claim_jobs", "targetAgent", "devops")
                        .at("/jobs/0/jobId")
                        .asText());
        bus.ask("pause", "kind", "job_type", "name", "dev", "mode", "pause", "reason", "a test");
        assertEquals(List.of(other), bus.claimedIds(1));
    }

    @Test
    void a_claim_makes_an_attempt_with_a_lease() {
        Attempt attempt = bus.leased();

        assertEquals("leased", bus.state(attempt.job()));
        assertEquals(D1, bus.column(attempt.job(), "lease_owner", String.class));
        assertEquals(attempt.id(), bus.column(attempt.job(), "live_attempt", String.class));
        assertEquals(1, bus.column(attempt.job(), "attempt_no", Integer.class));
        assertEquals(1, bus.column(attempt.job(), "attempt_count", Integer.class));
        assertEquals("leased", bus.ofAttempt(attempt, "status", String.class));
        assertEquals(D1, bus.ofAttempt(attempt, "dispatcher_id", String.class));
        assertEquals(32, attempt.claimed().get("nonce").asText().length());
        assertEquals(
                60,
                bus.jdbc()
                        .queryForObject(
                                "select round(extract(epoch from leased_until - updated_at)) from jobs",
                                Integer.class));
        assertEquals(List.of("job.enqueued", "job.leased"), bus.audit(attempt.job()));
    }

    @Test
    void a_claim_takes_no_more_than_its_limit_and_the_best_of_all_lanes() {
        bus.enqueue("priority", 5);
        bus.enqueue("priority", 10);
        String best = research("priority", 20);
        String next = research("priority", 15);

        assertEquals(List.of(best, next), bus.claimedIds(2));
        assertEquals(List.of(), bus.claimedIds(0));
    }

    @Test
    void an_agent_gets_no_more_than_its_capacity() {
        capacity("devops", 2);
        List<String> jobs = List.of(bus.enqueue(), bus.enqueue(), bus.enqueue());

        assertEquals(jobs.subList(0, 2), bus.claimedIds(10));
        assertEquals(List.of(), bus.claimedIds(10));

        bus.complete(attemptOf(jobs.get(0)));
        assertEquals(jobs.subList(2, 3), bus.claimedIds(10));
    }

    private Attempt attemptOf(String job) {
        return new Attempt(job, bus.column(job, "live_attempt", String.class), null);
    }

    @Test
    void a_gateway_gets_no_more_than_its_capacity_over_all_its_agents() {
        bus.jdbc().update("update gateways set max_in_flight = 3");
        for (int i = 0; i < 3; i++) {
            bus.enqueue();
            research();
        }
        String best = research("priority", 500);

        List<String> claimed = bus.claimedIds(10);

        assertEquals(3, claimed.size());
        assertEquals(best, claimed.get(0));
        assertEquals(List.of(), bus.claimedIds(10));
    }

    @Test
    void a_limit_lowered_below_what_runs_stops_the_claims_and_nothing_else() {
        bus.enqueue();
        bus.enqueue();
        bus.claim(D1, 10);
        bus.enqueue();

        capacity("devops", 1);
        assertEquals(List.of(), bus.claimedIds(10));
        capacity("devops", 5);
        bus.jdbc().update("update gateways set max_in_flight = 1");
        assertEquals(List.of(), bus.claimedIds(10));
        assertEquals(2, bus.count("jobs where state = 'leased'"));
    }

    @Test
    void an_expired_lease_takes_up_no_room() {
        capacity("devops", 1);
        Attempt lost = bus.running();
        String next = bus.enqueue();
        bus.expire(lost.job());

        assertEquals(List.of(next), bus.claimedIds(10));
    }

    @Test
    void a_paused_agent_gets_nothing_until_its_pause_is_over() {
        String job = bus.enqueue();
        bus.ask("pause_agent", "agentId", "devops", "reason", "maintenance");
        assertEquals(List.of(), bus.claimedIds(10));
        assertEquals(
                "an operator: agent devops is paused: maintenance",
                bus.ask("get_job", "jobId", job).get("nextMove").asText());

        bus.ask("pause_agent", "agentId", "devops", "reason", "maintenance", "until", "2100-01-01T00:00:00Z");
        assertEquals(List.of(), bus.claimedIds(10));

        bus.jdbc().update("update agents set paused_until = now() - interval '1 second' where agent_id = 'devops'");
        assertEquals(List.of(job), bus.claimedIds(10));
    }

    @Test
    void a_held_gateway_gets_nothing_until_the_hold_is_over() {
        String job = bus.enqueue();
        bus.jdbc().update("update gateways set held_until = now() + interval '1 hour', hold_reason = 'drains'");
        assertEquals(List.of(), bus.claimedIds(10));

        bus.jdbc().update("update gateways set held_until = now() - interval '1 second'");
        assertEquals(List.of(job), bus.claimedIds(10));
    }

    @Test
    void a_disabled_agent_is_passed_over() {
        bus.enqueue();
        bus.jdbc().update("update agents set enabled = false where agent_id = 'devops'");

        assertEquals(List.of(), bus.claimedIds(10));
        assertEquals(
                "422 agent_disabled targetAgent",
                refusal(() -> bus.ask("claim_jobs", "targetAgent", "devops")).brief());
    }

    @Test
    void a_job_that_somebody_else_holds_is_passed_over_not_waited_for() throws Exception {
        String locked = bus.enqueue();
        String free = bus.enqueue();
        try (Connection connection = bus.jdbc().getDataSource().getConnection()) {
            connection.setAutoCommit(false);
            Machine.on(new SingleConnectionDataSource(connection, true))
                    .jdbc()
                    .queryForList("select from jobs where job_id = ?::uuid for no key update", locked);
            assertEquals(List.of(free), bus.claimedIds(10));
            connection.rollback();
            connection.setAutoCommit(true);
        }
        assertEquals(List.of(locked), bus.claimedIds(10));
    }

    @Test
    void many_claimers_at_once_never_exceed_capacity_nor_give_a_job_twice() throws Exception {
        bus.jdbc().update("update gateways set max_in_flight = 9");
        capacity("devops", 6);
        capacity("research", 6);
        for (int i = 0; i < 30; i++) {
            bus.enqueue();
            research();
        }
        int claimed = 0;
        for (int round = 0; round < 6; round++) {
            List<List<JsonNode>> all = Race.won(8, i -> () -> bus.claim("dispatcher-" + i, 4));
            List<String> jobs = all.stream()
                    .flatMap(Collection::stream)
                    .map(j -> j.get("jobId").asText())
                    .toList();
            assertEquals(9, jobs.size(), "the gateway is full, no more and no less");
            assertEquals(jobs.size(), new HashSet<>(jobs).size());
            assertEquals(
                    0,
                    bus.count("(select from jobs where state = 'leased' group by target_agent having count(*) > 6) x"));
            claimed += jobs.size();
            Race.won(jobs.size(), i -> () -> bus.complete(attemptOf(jobs.get(i))));
        }
        assertEquals(claimed, bus.count("job_attempts"));
        assertEquals(claimed, bus.count("jobs where state = 'succeeded'"));
    }

    @Test
    void a_delivery_nobody_is_busy_with_is_taken_over_with_its_attempt() {
        Attempt first = bus.leased();
        assertEquals("one prompt", bus.keepPrompt(D1, first, "one prompt"));
        bus.expire(first.job());

        List<JsonNode> again = bus.claim(D2, 10);

        assertEquals(1, again.size());
        Attempt second = Attempt.of(again.get(0));
        assertEquals(first.id(), second.id());
        assertEquals(1, second.claimed().get("attemptNo").asInt());
        assertEquals(1, second.claimed().get("attemptCount").asInt());
        assertEquals("one prompt", second.claimed().get("prompt").asText());
        assertEquals(first.claimed().get("nonce"), second.claimed().get("nonce"));
        assertEquals(1, bus.ofAttempt(second, "adoptions", Integer.class));
        assertEquals(D2, bus.ofAttempt(second, "dispatcher_id", String.class));
        assertEquals(D2, bus.column(second.job(), "lease_owner", String.class));
        assertEquals(List.of("job.enqueued", "job.leased", "job.adopted"), bus.audit(first.job()));
    }

    @Test
    void a_taken_over_delivery_goes_before_new_jobs() {
        Attempt lost = bus.leased("priority", 1);
        bus.expire(lost.job());
        capacity("devops", 1);
        bus.enqueue("priority", 1000);

        assertEquals(List.of(lost.job()), bus.claimedIds(10));
    }

    @Test
    void a_call_of_a_dead_dispatcher_may_have_started_a_run() {
        Attempt first = bus.leased();
        bus.keepPrompt(D2, first, "not its own");
        bus.keepPrompt(D1, first, "one prompt");
        bus.expire(first.job());
        bus.claim(D1, 10);

        assertNotNull(bus.ofAttempt(first, "unknown_since", String.class));
        bus.undelivered(first, null);
        assertEquals(
                "leased",
                bus.state(first.job()),
                "the gateway's refusal of the second call proves nothing of the first");
    }

    @Test
    void a_taken_over_claim_that_was_never_sent_has_started_nothing() {
        Attempt first = bus.leased();
        bus.expire(first.job());
        bus.claim(D1, 10);

        assertNull(bus.ofAttempt(first, "unknown_since", String.class));
        bus.undelivered(first, null);
        assertEquals("queued", bus.state(first.job()));
    }

    @Test
    void a_pulled_job_is_the_workers_and_needs_renewals() {
        String job = bus.enqueue();
        JsonNode pulled = bus.ask("claim_jobs", "targetAgent", "devops", "worker", "w1", "leaseSeconds", 60)
                .at("/jobs/0");

        assertEquals(job, pulled.get("jobId").asText());
        assertEquals("worker:w1", bus.column(job, "lease_owner", String.class));
        assertTrue(bus.column(job, "keeps_lease", Boolean.class));
        assertEquals("pull", bus.column(job, "delivery", String.class));
        assertEquals(
                0, bus.ask("claim_jobs", "targetAgent", "devops").get("jobs").size());
    }

    @Test
    void a_pulled_job_whose_worker_fell_silent_is_timed_out_not_taken_over() {
        String job = bus.enqueue();
        Attempt attempt =
                Attempt.of(bus.ask("claim_jobs", "targetAgent", "devops").at("/jobs/0"));
        bus.expire(job);

        assertEquals(List.of(), bus.claimedIds(10));
        bus.recover();

        assertEquals("queued", bus.state(job));
        assertEquals("timed_out", bus.ofAttempt(attempt, "status", String.class));
        bus.makeDue(job);
        assertNotEquals(attempt.id(), bus.claim().id());
    }

    @Test
    void pulled_jobs_count_for_their_agent_but_take_no_run_of_the_gateway() {
        capacity("devops", 3);
        bus.jdbc().update("update gateways set max_in_flight = 1");
        for (int i = 0; i < 4; i++) {
            bus.enqueue();
        }
        assertEquals(
                2,
                bus.ask("claim_jobs", "targetAgent", "devops", "limit", 2)
                        .get("jobs")
                        .size());

        assertEquals(1, bus.claimedIds(10).size());
        assertEquals(
                0,
                bus.ask("claim_jobs", "targetAgent", "devops", "limit", 5)
                        .get("jobs")
                        .size());
    }

    @Test
    void a_paused_agents_jobs_are_not_pulled() {
        bus.enqueue();
        bus.ask("pause_agent", "agentId", "devops", "reason", "maintenance");

        assertEquals(
                0, bus.ask("claim_jobs", "targetAgent", "devops").get("jobs").size());
        assertEquals(
                "422 unknown_agent targetAgent",
                refusal(() -> bus.ask("claim_jobs", "targetAgent", "nobody")).brief());
    }

    @Test
    void pulling_workers_and_dispatchers_share_a_lane_without_exceeding_it() throws Exception {
        capacity("devops", 4);
        for (int i = 0; i < 20; i++) {
            bus.enqueue();
        }
        Race.won(
                8,
                i -> () -> i % 2 == 0
                        ? (Object) bus.claim("dispatcher-" + i, 3)
                        : bus.ask("claim_jobs", "targetAgent", "devops", "limit", 3));

        assertEquals(4, bus.count("jobs where state = 'leased'"));
        assertEquals(4, bus.count("job_attempts"));
    }
}
