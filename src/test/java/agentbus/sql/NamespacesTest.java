package agentbus.sql;

import static agentbus.sql.Machine.agent;
import static agentbus.sql.Machine.json;
import static agentbus.sql.Machine.refusal;
import static org.junit.jupiter.api.Assertions.assertEquals;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(PostgresExtension.class)
class NamespacesTest {
    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        bus.jdbc().update("insert into namespaces values ('other') on conflict do nothing");
        bus.jdbc()
                .update("insert into agents (namespace, agent_id, accepts) values ('other', 'devops', '{infra.check}'),"
                        + " ('other', 'lonely', '{infra.check}')");
    }

    private String other() {
        return bus.enqueue("namespace", "other");
    }

    private static ObjectNode operatorOf(String namespace) {
        return json("kind", "operator", "name", "olga", "namespace", namespace);
    }

    @Test
    void a_new_namespace_is_furnished() {
        assertEquals(
                List.of("delivery", "dev", "idle", "proactive", "reactive", "recovery", "scheduled"),
                bus.jdbc()
                        .queryForList(
                                "select job_type from job_types where namespace = 'other' order by 1", String.class));
        assertEquals(1, bus.count("gateways where namespace = 'other' and gateway = 'default' and max_in_flight = 7"));
    }

    @Test
    void jobs_of_one_namespace_are_unknown_in_another() {
        String job = other();

        assertEquals(
                "404 unknown_job jobId",
                refusal(() -> bus.ask("get_job", "jobId", job)).brief());
        assertEquals(
                "404 unknown_job jobId",
                refusal(() -> bus.ask("cancel_job", "jobId", job, "reason", "x"))
                        .brief());
        assertEquals(
                "422 unknown_job parentJobId",
                refusal(() -> bus.enqueue("parentJobId", job)).brief());
        assertEquals(
                "422 unknown_job dependsOn",
                refusal(() -> bus.enqueue("dependsOn", List.of(job))).brief());
        assertEquals(
                "422 unknown_agent targetAgent",
                refusal(() -> bus.enqueue("targetAgent", "lonely")).brief());
        assertEquals(0, bus.ask("list_jobs").get("jobs").size());
        assertEquals(0, bus.ask("list_events").get("events").size());
        assertEquals(1, bus.ask("list_jobs", "namespace", "other").get("jobs").size());
    }

    @Test
    void a_token_of_one_namespace_cannot_touch_another() {
        String job = other();
        for (JsonNode who : List.of(agent("devops"), operatorOf("default"))) {
            for (String function : List.of(
                    "get_job",
                    "cancel_job",
                    "unblock_job",
                    "redrive_job",
                    "list_jobs",
                    "list_events",
                    "list_agents",
                    "health",
                    "emit_event",
                    "enqueue_job",
                    "pause_agent",
                    "claim_jobs",
                    "requeue_expired")) {
                Refusal refusal = refusal(() -> bus.call(
                        function,
                        who,
                        json(
                                "namespace",
                                "other",
                                "jobId",
                                job,
                                "reason",
                                "x",
                                "topic",
                                "a.b",
                                "agentId",
                                "devops",
                                "targetAgent",
                                "devops",
                                "subject",
                                "infra.check")));
                assertEquals("403 forbidden namespace", refusal.brief(), function);
            }
        }
        assertEquals("queued", bus.state(job));
    }

    @Test
    void an_attempts_token_cannot_touch_another_namespace() {
        Attempt attempt = bus.running();
        String foreign = other();

        for (String function :
                List.of("complete_job", "fail_job", "block_job", "renew_job_lease", "mark_running_job")) {
            assertEquals(
                    "404 unknown_job jobId",
                    refusal(() -> bus.call(
                                    function,
                                    bus.principal(attempt),
                                    json("jobId", foreign, "summary", "x", "error", "x", "reason", "x")))
                            .brief());
            assertEquals(
                    "403 forbidden namespace",
                    refusal(() -> bus.call(
                                    function, bus.principal(attempt), json("jobId", foreign, "namespace", "other")))
                            .brief());
        }
        assertEquals(
                "422 unknown_job unblock.jobId",
                refusal(() -> bus.block(attempt, "jobId", foreign)).brief());
        assertEquals(
                "422 unknown_agent unblock.agent",
                refusal(() -> bus.block(attempt, "agent", "lonely")).brief());
        assertEquals(
                "422 unknown_agent followUps[0].targetAgent",
                refusal(() -> bus.say(
                                attempt,
                                "complete_job",
                                "summary",
                                "x",
                                "followUps",
                                List.of(json("targetAgent", "lonely", "subject", "infra.check", "namespace", "other"))))
                        .brief());
    }

    @Test
    void a_sweep_asked_for_in_one_namespace_leaves_the_others_alone() {
        String job = other();
        bus.claim();
        bus.jdbc().update("update jobs set state = 'running', leased_until = now() - interval '1 second'");

        assertEquals(
                0,
                bus.call("requeue_expired", operatorOf("default"), json())
                        .get("jobs")
                        .size());
        assertEquals("running", bus.state(job));
        assertEquals(
                1,
                bus.call("requeue_expired", operatorOf("other"), json())
                        .get("jobs")
                        .size());
    }

    @Test
    void dedupe_keys_events_and_subscriptions_are_a_namespaces_own() {
        bus.jdbc()
                .update("insert into subscriptions (namespace, topic_pattern, agent_id, subject)"
                        + " values ('other', '#', 'devops', 'infra.check')");
        bus.enqueue("dedupeKey", "k");
        bus.enqueue("dedupeKey", "k", "namespace", "other");
        bus.ask("emit_event", "topic", "a.b", "dedupeKey", "k");

        assertEquals(1, bus.count("jobs where namespace = 'default'"));
        long others = bus.count("jobs where namespace = 'other'");
        bus.ask("emit_event", "topic", "a.b", "dedupeKey", "k", "namespace", "other");
        assertEquals(others + 1, bus.count("jobs where namespace = 'other'"));
    }

    @Test
    void capacity_and_holds_are_a_namespaces_own() {
        bus.jdbc().update("update gateways set held_until = now() + interval '1 hour' where namespace = 'default'");
        bus.enqueue();
        String job = other();

        assertEquals(List.of(job), bus.claimedIds(10));
    }

    @Test
    void a_sync_of_one_namespace_disables_nobody_in_another() {
        bus.one("select sync_agents('default', '[]')");

        assertEquals(2, bus.count("agents where namespace = 'other' and enabled"));
    }

    @Test
    void an_agents_token_names_its_namespace() {
        bus.ask("issue_agent_token", "namespace", "other", "agentId", "devops", "tokenHash", "aa".repeat(32));
        bus.ask("issue_agent_token", "agentId", "devops", "tokenHash", "bb".repeat(32));

        assertEquals(2, bus.count("access_tokens where revoked_at is null"), "the namesake keeps its token");
        assertEquals(
                "other",
                bus.one(
                                "select principal_of(?::jsonb)",
                                json("tokenHash", "aa".repeat(32), "allowed", List.of("agent"))
                                        .toString())
                        .get("namespace")
                        .asText());
    }

    @Test
    void health_is_each_namespaces_own() {
        bus.enqueue();

        assertEquals(0, bus.ask("health", "namespace", "other").get("queued").asInt());
        assertEquals(1, bus.ask("health").get("queued").asInt());
    }
}
