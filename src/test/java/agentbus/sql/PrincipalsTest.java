package agentbus.sql;

import static agentbus.sql.Machine.json;
import static agentbus.sql.Machine.refusal;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@ExtendWith(PostgresExtension.class)
class PrincipalsTest {
    private static final List<String> EVERY_KIND = List.of("operator", "agent", "attempt");

    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
    }

    private static String hash(int seed) {
        return String.format("%02x", seed).repeat(32);
    }

    private JsonNode principal(String key, Object value, List<String> allowed) {
        return bus.one(
                "select principal_of(?::jsonb)",
                json(key, value, "allowed", allowed).toString());
    }

    private JsonNode byToken(int seed, List<String> allowed) {
        return principal("tokenHash", hash(seed), allowed);
    }

    private void operatorToken(int seed) {
        bus.jdbc().queryForList("select register_operator_token(decode(?, 'hex'), 'anna')", hash(seed));
    }

    private void registerFor(int seed, String namespace) {
        bus.jdbc().queryForList("select register_operator_token(decode(?, 'hex'), 'anna', ?)", hash(seed), namespace);
    }

    @Test
    void a_token_of_another_fleet_a_revoked_one_and_one_of_another_kind_are_refused_at_the_start() {
        bus.jdbc().update("insert into namespaces values ('east') on conflict do nothing");
        registerFor(1, "east");
        registerFor(1, "east");
        operatorToken(2);
        registerFor(2, "east");
        bus.jdbc()
                .update(
                        "insert into access_tokens (token_hash, kind, name, namespace, revoked_at) values"
                                + " (decode(?, 'hex'), 'operator', 'bert', null, '2026-11-28T10:00:00Z'),"
                                + " (decode(?, 'hex'), 'agent', 'devops', 'default', null)",
                        hash(3),
                        hash(4));

        assertEquals(
                "this operator token is known already, as that of operator anna for namespace east; a node of namespace"
                        + " default needs another: move its file operator.token away, and the next start makes a new one",
                refusal(() -> operatorToken(1)).message());
        assertTrue(refusal(() -> operatorToken(3))
                .message()
                .contains("operator bert, which was revoked at 2026-11-28T10:00:00Z; "));
        assertTrue(refusal(() -> operatorToken(4)).message().contains("that of agent devops for namespace default"));
    }

    @Test
    void an_operators_token_opens_every_namespace() {
        operatorToken(1);
        operatorToken(1);

        assertEquals(
                "{\"kind\":\"operator\",\"name\":\"anna\",\"namespace\":null}",
                byToken(1, EVERY_KIND).toString());
        assertEquals(1, bus.count("access_tokens"));
    }

    @Test
    void an_agents_token_is_its_own_and_its_namespaces() {
        bus.ask("issue_agent_token", "agentId", "devops", "tokenHash", hash(2));

        assertEquals(
                "{\"kind\":\"agent\",\"name\":\"devops\",\"namespace\":\"default\"}",
                byToken(2, EVERY_KIND).toString());
        assertEquals(
                "404 unknown_agent agentId",
                refusal(() -> bus.ask("issue_agent_token", "agentId", "nobody", "tokenHash", hash(3)))
                        .brief());
    }

    @Test
    void the_first_use_of_a_new_agent_token_revokes_the_older_ones() {
        bus.ask("issue_agent_token", "agentId", "devops", "tokenHash", hash(2));
        bus.ask("issue_agent_token", "agentId", "research", "tokenHash", hash(4));
        bus.ask("issue_agent_token", "agentId", "devops", "tokenHash", hash(5));
        bus.ask("issue_agent_token", "agentId", "devops", "tokenHash", hash(3));

        // A refused call proves nothing.
        refusal(() -> byToken(3, List.of("operator")));
        assertEquals("devops", byToken(2, EVERY_KIND).get("name").asText(), "the new token may have got lost");

        assertEquals("devops", byToken(3, EVERY_KIND).get("name").asText());
        for (int older : new int[] {2, 5}) {
            assertEquals(
                    "401 invalid_token token",
                    refusal(() -> byToken(older, EVERY_KIND)).brief());
        }
        assertEquals("devops", byToken(3, EVERY_KIND).get("name").asText());
        assertEquals(1, bus.count("audit_log where action = 'agent.tokens_revoked' and actor = 'agent:devops'"));
        assertEquals("research", byToken(4, EVERY_KIND).get("name").asText());
        assertEquals(4, bus.count("audit_log where action = 'agent.token_issued' and actor = 'operator:anna'"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "{\"kind\": \"operator\"}",
                "{\"kind\": \"root\", \"name\": \"anna\"}",
                "{\"kind\": \"agent\", \"name\": \"devops\"}",
                "{\"name\": \"anna\", \"namespace\": \"default\"}"
            })
    void a_call_without_a_whole_principal_is_refused_by_every_operation(String principal) {
        List<String> functions = bus.jdbc()
                .queryForList(
                        """
                        select p.proname from pg_proc p
                        where p.pronamespace = 'agentbus'::regnamespace
                          and p.proargnames[1:2] = array['p_principal', 'p_input']
                          and pronargs = 2
                          and obj_description(p.oid, 'pg_proc') like 'The operation %'
                        """,
                        String.class);
        assertTrue(functions.size() > 20, functions::toString);
        String input = json("jobId", UUID.randomUUID(), "targetAgent", "devops", "agentId", "devops")
                .toString();
        List<String> answered = functions.stream()
                .filter(function -> !refusal(
                                () -> bus.one("select " + function + "(?::jsonb, ?::jsonb)", principal, input))
                        .brief()
                        .equals("403 forbidden token"))
                .toList();
        assertEquals(List.of(), answered);
    }

    @Test
    void an_unknown_token_is_refused() {
        assertEquals(
                "401 invalid_token token", refusal(() -> byToken(9, EVERY_KIND)).brief());
        assertEquals(
                "401 invalid_token token",
                refusal(() -> principal("attemptId", UUID.randomUUID(), EVERY_KIND))
                        .brief());
        assertEquals(
                "401 invalid_token token",
                refusal(() -> principal("nothing", 1, EVERY_KIND)).brief());
    }

    @Test
    void a_kind_the_operation_is_not_for_is_refused() {
        operatorToken(1);
        bus.ask("issue_agent_token", "agentId", "devops", "tokenHash", hash(2));
        Attempt attempt = bus.running();

        Refusal operator = refusal(() -> byToken(1, List.of("agent", "attempt")));
        assertEquals("403 forbidden token", operator.brief());
        assertEquals("a token of kind agent or attempt", operator.expected());
        assertEquals(
                "403 forbidden token",
                refusal(() -> byToken(2, List.of("operator"))).brief());
        assertEquals(
                "403 forbidden token",
                refusal(() -> principal("attemptId", attempt.id(), List.of("operator")))
                        .brief());
    }

    @Test
    void an_attempts_token_lives_as_long_as_the_attempt() {
        Attempt attempt = bus.leased();

        JsonNode principal = principal("attemptId", attempt.id(), EVERY_KIND);
        assertEquals("attempt", principal.get("kind").asText());
        assertEquals("devops", principal.get("name").asText());
        assertEquals(attempt.job(), principal.get("jobId").asText());

        bus.complete(attempt);
        assertEquals(
                "409 stale_attempt token",
                refusal(() -> principal("attemptId", attempt.id(), EVERY_KIND)).brief());
        assertEquals(
                "attempt",
                principal("attemptId", attempt.id(), List.of("attempt"))
                        .get("kind")
                        .asText(),
                "closes look at it themselves, so that they can repeat their answer");
    }

    @Test
    void agents_are_made_equal_to_their_files() {
        String first =
                """
                [{"id": "devops", "mission": "keeps hosts up", "maxConcurrency": 2, "accepts": ["infra.check"],
                  "mayEnqueueTo": ["research"], "emits": ["infra.checked"], "model": "m", "thinking": "low",
                  "timeoutSeconds": 60, "configHash": "1",
                  "subscriptions": [{"topic": "a.*", "subject": "infra.check", "priority": 300},
                                    {"topic": "b.*", "subject": "infra.check"}]},
                 {"id": "writer", "configHash": "1"}]
                """;

        assertEquals(
                "{\"changed\":[\"devops\",\"writer\"],\"disabled\":[\"coordinator\",\"research\"]}",
                sync(first).toString());
        assertEquals(
                "devops 2 infra.check research m low 60 true",
                bus.jdbc()
                        .queryForObject(
                                "select concat_ws(' ', agent_id, max_concurrency, array_to_string(accepts, ','),"
                                        + " array_to_string(may_enqueue_to, ','), model, thinking, timeout_seconds, enabled::text)"
                                        + " from agents where agent_id = 'devops'",
                                String.class));
        assertEquals(
                List.of("a.* 300", "b.* 100"),
                bus.jdbc()
                        .queryForList(
                                "select topic_pattern || ' ' || priority from subscriptions order by 1", String.class));
        assertEquals("{\"changed\":[],\"disabled\":[]}", sync(first).toString());

        String second =
                """
                [{"id": "devops", "accepts": ["infra.check"], "configHash": "2",
                  "subscriptions": [{"topic": "a.*", "subject": "infra.check", "priority": 5}]},
                 {"id": "research", "configHash": "1"}]
                """;
        assertEquals(
                "{\"changed\":[\"devops\",\"research\"],\"disabled\":[\"writer\"]}",
                sync(second).toString());
        assertEquals(
                List.of("a.* 5"),
                bus.jdbc().queryForList("select topic_pattern || ' ' || priority from subscriptions", String.class));
        assertEquals(
                List.of("devops agent.changed", "devops agent.changed", "writer agent.added", "writer agent.disabled"),
                bus.jdbc()
                        .queryForList(
                                "select row_id || ' ' || action from audit_log where actor = 'operator:agents-directory'"
                                        + " and row_id in ('devops', 'writer') order by row_id, audit_id",
                                String.class));
    }

    @Test
    void the_rights_to_decide_about_opportunities_follow_the_files() {
        sync("[{\"id\": \"devops\", \"mayTriage\": true, \"mayConvert\": true, \"configHash\": \"1\"}]");
        JsonNode agent = bus.ask("list_agents").at("/agents").findParents("mayConvert").stream()
                .filter(a -> a.get("agentId").asText().equals("devops"))
                .findFirst()
                .orElseThrow();
        assertTrue(agent.get("mayTriage").asBoolean() && agent.get("mayConvert").asBoolean(), agent.toString());

        sync("[{\"id\": \"devops\", \"configHash\": \"2\"}]");
        assertEquals(0, bus.count("agents where may_triage or may_convert"));
    }

    private JsonNode sync(String agents) {
        return bus.one("select sync_agents('default', ?::jsonb)", agents);
    }

    @Test
    void a_job_of_an_agent_whose_file_comes_back_is_claimed_again() {
        String job = bus.enqueue();
        sync("[]");
        assertEquals(List.of(), bus.claimedIds(10));

        sync("[{\"id\": \"devops\", \"accepts\": [\"infra.check\"]}]");
        assertEquals(List.of(job), bus.claimedIds(10));
    }

    @Test
    void a_pause_survives_a_sync_and_ends_with_resume() {
        JsonNode paused = bus.ask("pause_agent", "agentId", "devops", "reason", "maintenance");
        assertTrue(paused.get("paused").asBoolean());
        assertEquals("anna", paused.get("pausedBy").asText());
        sync("[{\"id\": \"devops\", \"configHash\": \"9\"}]");
        assertEquals(1, bus.count("agents where paused_reason = 'maintenance'"));

        assertFalse(bus.ask("resume_agent", "agentId", "devops").get("paused").asBoolean());

        assertEquals(
                List.of("agent.paused", "agent.resumed"),
                bus.jdbc()
                        .queryForList(
                                "select topic from events where topic like 'agent.%' order by seq", String.class));
        assertEquals(1, bus.count("audit_log where action = 'agent.paused' and why = 'maintenance'"));
        assertEquals(1, bus.count("audit_log where action = 'agent.resumed' and actor = 'operator:anna'"));
        assertEquals(
                "404 unknown_agent agentId",
                refusal(() -> bus.ask("pause_agent", "agentId", "x", "reason", "y"))
                        .brief());
        assertEquals(
                "404 unknown_agent agentId",
                refusal(() -> bus.ask("resume_agent", "agentId", "x")).brief());
    }

    @Test
    void a_paused_agent_goes_on_with_what_it_runs() {
        Attempt attempt = bus.running();
        bus.ask("pause_agent", "agentId", "devops", "reason", "maintenance");

        bus.complete(attempt);

        assertEquals("succeeded", bus.state(attempt.job()));
    }

    @Test
    void nodes_agree_on_the_first_server_key() {
        assertEquals("one", bus.jdbc().queryForObject("select agree_on_server_key('one')", String.class));
        assertEquals("one", bus.jdbc().queryForObject("select agree_on_server_key('two')", String.class));
    }

    @Test
    void agents_are_listed_with_the_counts_of_their_lanes() {
        bus.running();
        bus.enqueue();

        JsonNode agents = bus.ask("list_agents").get("agents");

        assertEquals("devops", agents.at("/1/agentId").asText());
        assertEquals(1, agents.at("/1/live").asInt());
        assertEquals(1, agents.at("/1/queued").asInt());
        assertEquals(0, agents.at("/1/dead").asInt());
    }
}
