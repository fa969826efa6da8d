package agentbus.sql;

import static agentbus.sql.Machine.agent;
import static agentbus.sql.Machine.json;
import static agentbus.sql.Machine.operator;
import static agentbus.sql.Machine.refusal;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(PostgresExtension.class)
class EnqueueTest {
    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
    }

    private Refusal refused(Object... input) {
        return refusal(() -> bus.ask("enqueue_job", input));
    }

    @Test
    void a_new_job_is_queued_with_the_defaults_of_its_type() {
        JsonNode answer = bus.ask("enqueue_job", "targetAgent", "devops", "subject", "infra.check");

        JsonNode job = answer.get("job");
        assertTrue(answer.get("created").asBoolean());
        assertEquals("queued", job.get("state").asText());
        assertEquals("reactive", job.get("jobType").asText());
        assertEquals(100, job.get("priority").asInt());
        assertEquals(5, job.get("maxAttempts").asInt());
        assertEquals(1800, job.get("timeoutSeconds").asInt());
        assertEquals(14400, job.get("hardTimeoutSeconds").asInt());
        assertEquals("trusted", job.get("trust").asText());
        assertEquals("the next claim", job.get("nextMove").asText());
        assertEquals(List.of("job.enqueued"), bus.audit(job.get("jobId").asText()));
        assertEquals(List.of("job.enqueued"), bus.topics(job.get("jobId").asText()));
    }

    @Test
    void what_the_caller_asks_for_is_kept() {
        String job = bus.enqueue(
                "priority",
                900,
                "timeoutSeconds",
                50_000,
                "maxAttempts",
                2,
                "model",
                "m",
                "thinking",
                "high",
                "trust",
                "untrusted",
                "flowKey",
                "f",
                "correlationKey",
                "c",
                "sourceAgent",
                "research",
                "payload",
                json("host", "web-1"),
                "jobType",
                "dev.review");

        JsonNode kept = bus.ask("get_job", "jobId", job);
        assertEquals(900, kept.get("priority").asInt());
        assertEquals(50_000, kept.get("timeoutSeconds").asInt());
        assertEquals(50_000, kept.get("hardTimeoutSeconds").asInt(), "the hard timeout does not undercut the soft one");
        assertEquals(2, kept.get("maxAttempts").asInt());
        assertEquals("untrusted", kept.get("trust").asText());
        assertEquals("research", kept.get("sourceAgent").asText());
        assertEquals("web-1", kept.at("/payload/host").asText());
    }

    @Test
    void a_live_dedupe_key_returns_the_job_that_has_it() {
        String first = bus.enqueue("dedupeKey", "k");

        JsonNode again = bus.ask("enqueue_job", "targetAgent", "devops", "subject", "infra.repair", "dedupeKey", "k");

        assertFalse(again.get("created").asBoolean());
        assertEquals(first, again.at("/job/jobId").asText());
        assertEquals(1, bus.count("jobs"));
    }

    @Test
    void a_dedupe_key_is_one_targets_own() {
        String first = bus.enqueue("dedupeKey", "k");

        String other = bus.enqueue("dedupeKey", "k", "targetAgent", "research", "subject", "research.packet");

        assertNotEquals(first, other);
    }

    @Test
    void a_finished_job_frees_its_dedupe_key() {
        Attempt attempt = bus.running("dedupeKey", "k");
        bus.complete(attempt);

        assertNotEquals(attempt.job(), bus.enqueue("dedupeKey", "k"));
    }

    @Test
    void one_dedupe_key_from_many_connections_at_once_gives_one_job() throws Exception {
        for (int round = 0; round < 10; round++) {
            String key = "k" + round;
            List<JsonNode> answers = Race.won(
                    8,
                    i -> () -> bus.ask(
                            "enqueue_job", "targetAgent", "devops", "subject", "infra.check", "dedupeKey", key));

            Set<String> jobs = new HashSet<>();
            answers.forEach(a -> jobs.add(a.at("/job/jobId").asText()));
            assertEquals(1, jobs.size());
            assertEquals(
                    1,
                    answers.stream().filter(a -> a.get("created").asBoolean()).count());
        }
        assertEquals(10, bus.count("jobs"));
    }

    @Test
    void a_delayed_job_waits_for_its_time() {
        String delayed = bus.enqueue("delaySeconds", 3600);
        String later = bus.enqueue("runAfter", "2100-01-01T00:00:00Z");

        assertEquals(List.of(), bus.claimedIds(10));
        assertTrue(bus.ask("get_job", "jobId", later).get("nextMove").asText().startsWith("due at 2100-01-01"));

        bus.makeDue(delayed);
        assertEquals(List.of(delayed), bus.claimedIds(10));
    }

    @Test
    void an_unknown_agent_is_refused_with_the_agents_there_are() {
        Refusal refusal = refused("targetAgent", "nobody", "subject", "x");

        assertEquals("422 unknown_agent targetAgent", refusal.brief());
        assertEquals("one of: coordinator, devops, research", refusal.expected());
    }

    @Test
    void a_subject_the_agent_does_not_accept_is_refused() {
        Refusal refusal = refused("targetAgent", "devops", "subject", "plan.new");

        assertEquals("422 subject_not_accepted subject", refusal.brief());
        assertTrue(refusal.expected().contains("infra.check, infra.repair"), refusal.expected());
    }

    @Test
    void every_agent_accepts_its_standing_orders() {
        assertEquals("queued", bus.state(bus.enqueue("subject", "standing_order.morning")));
        assertEquals(
                "422 subject_not_accepted subject",
                refused("targetAgent", "devops", "subject", "standing_orders.x").brief());
    }

    @Test
    void a_disabled_agent_gets_no_work() {
        bus.jdbc().update("update agents set enabled = false where agent_id = 'devops'");

        assertEquals(
                "422 agent_disabled targetAgent",
                refused("targetAgent", "devops", "subject", "infra.check").brief());
    }

    @Test
    void an_unknown_parent_dependency_or_namespace_is_refused() {
        String nowhere = UUID.randomUUID().toString();

        assertEquals(
                "422 unknown_job parentJobId",
                refused("targetAgent", "devops", "subject", "infra.check", "parentJobId", nowhere)
                        .brief());
        Refusal dependency = refused(
                "targetAgent", "devops", "subject", "infra.check", "dependsOn", List.of(bus.enqueue(), nowhere));
        assertEquals("422 unknown_job dependsOn", dependency.brief());
        assertTrue(dependency.message().contains(nowhere));
        assertEquals(
                "404 unknown_namespace namespace",
                refused("targetAgent", "devops", "subject", "infra.check", "namespace", "elsewhere")
                        .brief());
    }

    @Test
    void an_unknown_job_type_is_refused() {
        assertEquals(
                "422 invalid_field jobType",
                refused("targetAgent", "devops", "subject", "infra.check", "jobType", "odd")
                        .brief());
    }

    @Test
    void a_chain_of_handoffs_ends_at_the_hop_limit() {
        String job = bus.enqueue();
        for (int i = 0; i < 20; i++) {
            job = bus.enqueue("parentJobId", job);
        }
        assertEquals(20, bus.column(job, "hops", Integer.class));
        assertEquals(
                "422 hop_limit targetAgent",
                refused("targetAgent", "devops", "subject", "infra.check", "parentJobId", job)
                        .brief());
    }

    @Test
    void a_child_inherits_flow_and_correlation() {
        String child = bus.enqueue("parentJobId", bus.enqueue("flowKey", "f", "correlationKey", "c"));

        assertEquals("f", bus.column(child, "flow_key", String.class));
        assertEquals("c", bus.column(child, "correlation_key", String.class));
        assertEquals(1, bus.column(child, "hops", Integer.class));
    }

    @Test
    void an_agent_speaks_for_itself_only() {
        Refusal refusal = refusal(() -> bus.call(
                "enqueue_job",
                agent("research"),
                json("targetAgent", "devops", "subject", "infra.check", "sourceAgent", "devops")));
        assertEquals("403 forbidden sourceAgent", refusal.brief());

        JsonNode own =
                bus.call("enqueue_job", agent("research"), json("targetAgent", "devops", "subject", "infra.check"));
        assertEquals("research", own.at("/job/sourceAgent").asText());
    }

    @Test
    void an_operator_may_name_a_source_that_exists() {
        assertEquals("research", bus.column(bus.enqueue("sourceAgent", "research"), "source_agent", String.class));
        assertEquals(
                "422 unknown_agent sourceAgent",
                refused("targetAgent", "devops", "subject", "infra.check", "sourceAgent", "nobody")
                        .brief());
    }

    @Test
    void a_refused_job_leaves_nothing_behind() {
        refused("targetAgent", "devops", "subject", "infra.check", "dependsOn", List.of(UUID.randomUUID()));

        assertEquals(0, bus.count("jobs"));
        assertEquals(0, bus.count("events"));
        assertEquals(0, bus.count("audit_log where table_name = 'jobs'"));
    }

    @Test
    void the_actor_of_an_enqueue_is_in_the_audit_log() {
        bus.enqueue();

        assertEquals(
                "operator:anna",
                bus.jdbc().queryForObject("select actor from audit_log where table_name = 'jobs'", String.class));
    }

    @Test
    void jobs_are_listed_newest_first_page_by_page() {
        String first = bus.enqueue();
        String second = bus.enqueue("priority", 7);

        JsonNode page = bus.ask("list_jobs", "limit", 1);
        assertEquals(second, page.at("/jobs/0/jobId").asText());
        JsonNode next =
                bus.ask("list_jobs", "limit", 1, "before", page.get("next").asLong());
        assertEquals(first, next.at("/jobs/0/jobId").asText());
        assertEquals(0, bus.ask("list_jobs", "state", "dead").get("jobs").size());
        assertEquals(
                "404 unknown_job jobId",
                refusal(() -> bus.call("get_job", operator(), json("jobId", UUID.randomUUID())))
                        .brief());
    }

    private JsonNode again(String mode, int n, Object... more) {
        return bus.ask(
                "enqueue_job",
                java.util.stream.Stream.concat(
                                java.util.Arrays.stream(more),
                                java.util.stream.Stream.of(
                                        "targetAgent",
                                        "devops",
                                        "subject",
                                        "infra.check",
                                        "dedupeKey",
                                        "k",
                                        "dedupeMode",
                                        mode,
                                        "payload",
                                        json("n", n)))
                        .toArray());
    }

    @Test
    void a_request_with_a_known_key_and_another_payload_says_so() {
        String first = again("until_ended", 1).at("/job/jobId").asText();

        JsonNode same = again("until_ended", 1);
        JsonNode other = again("until_ended", 2, "priority", 7);

        assertEquals("[]", same.get("differs").toString());
        assertEquals("[\"payload\",\"priority\"]", other.get("differs").toString());
        assertEquals(first, other.at("/job/jobId").asText());
        assertEquals(1, other.at("/job/payload/n").asInt());
    }

    @Test
    void a_key_holds_while_its_job_is_queued_when_the_caller_asks_for_that() {
        String first = again("while_queued", 1).at("/job/jobId").asText();
        assertEquals(first, again("while_queued", 2).at("/job/jobId").asText());
        bus.claim();

        JsonNode second = again("while_queued", 3);

        assertTrue(second.get("created").asBoolean());
        assertEquals(first, second.get("earlierJobId").asText());
        assertNotEquals(first, second.at("/job/jobId").asText());
        assertEquals("k", bus.ask("get_job", "jobId", first).get("dedupeKey").asText());
        assertEquals(second.at("/job/jobId"), again("until_ended", 4).at("/job/jobId"), "the newer job has the key");
        assertEquals(1, bus.count("audit_log where action = 'job.key_released' and row_id = ?", first));
    }

    @Test
    void a_queued_request_is_replaced_when_the_caller_asks_for_that() {
        String first = again("replace_queued", 1, "delaySeconds", 3600)
                .at("/job/jobId")
                .asText();

        JsonNode second = again("replace_queued", 2, "priority", 700);

        assertFalse(second.get("created").asBoolean());
        assertTrue(second.get("replaced").asBoolean());
        assertEquals("[\"payload\",\"priority\"]", second.get("differs").toString());
        Attempt attempt = bus.claim();
        assertEquals(first, attempt.job());
        assertEquals(2, bus.ask("get_job", "jobId", first).at("/payload/n").asInt());
        assertEquals(1, bus.count("audit_log where action = 'job.replaced'"));

        JsonNode third = again("replace_queued", 3);
        assertTrue(third.get("created").asBoolean());
        assertEquals(first, third.get("earlierJobId").asText());
    }

    @Test
    void an_agent_replaces_its_own_requests_only_and_gives_no_new_dependencies() {
        String first = again("until_ended", 1).at("/job/jobId").asText();

        Refusal foreign = refusal(() -> bus.call(
                "enqueue_job",
                agent("research"),
                json(
                        "targetAgent",
                        "devops",
                        "subject",
                        "infra.check",
                        "dedupeKey",
                        "k",
                        "dedupeMode",
                        "replace_queued")));
        Refusal dependent = refusal(() -> again("replace_queued", 2, "dependsOn", List.of(bus.enqueue())));

        assertEquals("403 forbidden dedupeMode", foreign.brief());
        assertEquals("422 invalid_field dependsOn", dependent.brief());
        assertEquals(1, bus.ask("get_job", "jobId", first).at("/payload/n").asInt());
    }

    @Test
    void the_key_of_a_job_at_work_is_taken_by_its_requester_and_its_own_agent_only() {
        JsonNode input =
                json("targetAgent", "devops", "subject", "infra.check", "dedupeKey", "k", "dedupeMode", "while_queued");
        again("until_ended", 1);
        Attempt attempt = bus.claim();
        bus.admitted(attempt);

        Refusal foreign = refusal(() -> bus.call("enqueue_job", agent("research"), input));

        assertEquals("403 forbidden dedupeMode", foreign.brief());
        assertTrue(foreign.message().contains("must not take its dedupe key"), foreign.message());
        JsonNode own = bus.call("enqueue_job", agent("devops"), input);
        assertEquals(attempt.job(), own.get("earlierJobId").asText());
    }

    @Test
    void a_time_long_past_is_due_at_once_and_its_age_counts_from_the_arrival() {
        String ordinary = bus.enqueue();
        String past = bus.enqueue("runAfter", "0001-01-01T00:00:00Z");
        String far = bus.enqueue("runAfter", "9999-12-31T23:59:59+00:00");

        assertTrue(bus.ask("health").get("oldestQueuedSeconds").asInt() < 60);
        assertTrue(bus.ask("get_job", "jobId", far).get("nextMove").asText().startsWith("due at 9999-12-31T23:59:59Z"));
        assertEquals(List.of(ordinary, past), bus.claimedIds(10));
    }

    @Test
    void a_window_before_all_time_is_empty() {
        assertEquals(
                0,
                bus.ask("list_standing_order_runs", "from", "0001-01-01T00:00:00Z", "to", "0001-01-01T00:00:01Z")
                        .get("runs")
                        .size());
        assertEquals(
                "422 invalid_field to",
                refusal(() -> bus.ask("list_standing_order_runs", "to", "0001-01-01T00:00:00Z"))
                        .brief());
    }
}
