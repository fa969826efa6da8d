package agentbus.sql;

import static agentbus.sql.Machine.refusal;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Pause, drain and resume of an agent, a job type, a gateway and everything, and the list of them. */
@ExtendWith(PostgresExtension.class)
class PausesTest {
    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        bus.jdbc().update("insert into namespaces values ('other') on conflict do nothing");
        bus.jdbc()
                .update("insert into gateways (namespace, gateway) values ('other', 'default'), ('default', 'second')"
                        + " on conflict do nothing");
        bus.jdbc()
                .update(
                        "insert into agents (namespace, agent_id, accepts) values ('other', 'devops', '{infra.check}')");
    }

    private JsonNode pause(String kind, String name, Object... more) {
        return ask("pause", kind, name, more);
    }

    private JsonNode ask(String function, String kind, String name, Object... more) {
        var input = Machine.json("kind", kind, "reason", "too much");
        if (name != null) {
            input.put("name", name);
        }
        input.setAll(Machine.json(more));
        return bus.call(function, Machine.operator(), input);
    }

    private JsonNode only() {
        JsonNode rows = bus.ask("list_pauses").get("pauses");
        assertEquals(1, rows.size(), rows::toString);
        return rows.get(0);
    }

    private List<JsonNode> pull() {
        return bus.ask("claim_jobs", "targetAgent", "devops", "limit", 10)
                .get("jobs")
                .findParents("attemptId");
    }

    private void sweep() {
        bus.jdbc().execute("select sweep_pauses()");
    }

    private String nextMove(String job) {
        return bus.ask("get_job", "jobId", job).get("nextMove").asText();
    }

    @ParameterizedTest
    @CsvSource({"agent, devops", "job_type, reactive", "gateway, default", "everything,"})
    void what_is_paused_is_not_claimed_until_it_is_resumed_and_the_next_move_says_so(String kind, String name) {
        JsonNode paused = pause(kind, name);
        String job = bus.enqueue();

        assertEquals("paused", paused.get("status").asText());
        assertTrue(paused.get("changed").asBoolean());
        assertEquals(List.of(), bus.claimedIds(10));
        if (!kind.equals("gateway")) {
            assertEquals(List.of(), pull());
        }
        String said = nextMove(job);
        assertTrue(said.contains("too much") && said.contains("paused"), said);
        assertEquals(1, bus.count("stuck_jobs_v where job_id = ?::uuid", job));
        assertEquals(1, bus.count("ready_jobs_v where lane_stopped"));
        String problems = bus.ask("health").get("problems").toString();
        assertTrue(problems.contains("too much"), problems);

        JsonNode resumed = ask("resume", kind, name, "reason", "enough");
        assertEquals("ended", resumed.get("status").asText());
        assertEquals("operator:anna", resumed.get("endedBy").asText());
        assertEquals("enough", resumed.get("endReason").asText());
        assertEquals("the next claim", nextMove(job));
        assertEquals(0, bus.count("stuck_jobs_v"));
        assertEquals(0, bus.ask("list_pauses").get("pauses").size());
        assertEquals(List.of(job), bus.claimedIds(10));
    }

    @Test
    void the_next_move_names_who_stopped_it_since_when_and_why() {
        pause("job_type", "reactive", "until", "2100-01-01T00:00:00Z");

        String move = nextMove(bus.enqueue());

        assertTrue(
                move.matches(
                        "job type reactive is paused by operator:anna since \\S+Z until 2100-01-01T00:00:00Z: too much"),
                move);
        pause("everything", null);
        String stronger = nextMove(bus.enqueue());
        assertTrue(stronger.startsWith("everything is paused by operator:anna since "), stronger);
    }

    @Test
    void the_pause_of_a_type_covers_its_kinds_and_leaves_the_other_types_alone() {
        pause("job_type", "dev");
        bus.enqueue("jobType", "dev", "priority", 900);
        bus.enqueue("jobType", "dev.review", "priority", 900);
        String other = bus.enqueue("priority", 1);

        assertEquals(List.of(other), bus.claimedIds(10));

        ask("resume", "job_type", "dev");
        pause("job_type", "dev.review");
        assertEquals(1, bus.claimedIds(10).size(), "the type dev itself");
    }

    @Test
    void the_other_types_of_a_lane_come_in_their_order_within_its_room() {
        pause("job_type", "proactive");
        String low = bus.enqueue("priority", 5);
        for (int i = 0; i < 6; i++) {
            bus.enqueue("jobType", "proactive", "priority", 999);
        }
        String high = bus.enqueue("jobType", "dev", "priority", 50);
        String middle = bus.enqueue("jobType", "recovery", "priority", 20);

        assertEquals(List.of(high, middle), bus.claimedIds(2));
        assertEquals(
                List.of(low), pull().stream().map(j -> j.get("jobId").asText()).toList());
    }

    @Test
    void a_pause_of_one_gateway_or_namespace_leaves_the_others_alone() {
        bus.jdbc().update("update agents set gateway = 'second' where agent_id = 'research'");
        pause("gateway", "default");
        bus.enqueue();
        String elsewhere = bus.enqueue("targetAgent", "research", "subject", "research.packet");
        assertEquals(List.of(elsewhere), bus.claimedIds(10));

        pause("everything", null);
        String other = bus.enqueue("namespace", "other");
        bus.enqueue("targetAgent", "research", "subject", "research.packet");
        assertEquals(List.of(other), bus.claimedIds(10));
        assertEquals(
                0, bus.ask("list_pauses", "namespace", "other").get("pauses").size());
    }

    @Test
    void a_worker_that_pulls_needs_no_gateway() {
        pause("gateway", "default");
        bus.enqueue();

        assertEquals(1, pull().size());
    }

    @Test
    void running_jobs_go_on_and_end_as_ever_while_everything_is_paused() {
        Attempt attempt = bus.running();
        pause("everything", null);

        assertEquals(1, only().get("running").asInt());
        bus.say(attempt, "renew_job_lease");
        bus.complete(attempt);

        assertEquals("succeeded", bus.state(attempt.job()));
        assertEquals(0, only().get("running").asInt());
    }

    @Test
    void a_worker_that_finds_everything_paused_is_told_why() {
        pause("everything", null);
        bus.enqueue();

        JsonNode answer = bus.ask("claim_jobs", "targetAgent", "devops");

        assertEquals(0, answer.get("jobs").size());
        assertTrue(answer.get("hold").asText().startsWith("everything is paused by operator:anna"));
    }

    @ParameterizedTest
    @CsvSource({"agent, devops", "job_type, reactive", "gateway, default", "everything,"})
    void a_repeated_call_changes_nothing_and_another_reason_replaces_the_first(String kind, String name) {
        JsonNode first = pause(kind, name);
        JsonNode again = pause(kind, name);

        assertFalse(again.get("changed").asBoolean());
        assertEquals(first.get("pauseId"), again.get("pauseId"));
        assertEquals(first.get("since"), again.get("since"));
        assertEquals(1, bus.count("audit_log where action = 'pause.added'"));
        assertEquals(0, bus.count("audit_log where action = 'pause.changed'"));

        JsonNode other = pause(kind, name, "reason", "still too much");
        assertEquals(first.get("pauseId"), other.get("pauseId"));
        assertEquals("still too much", only().get("reason").asText());

        assertTrue(ask("resume", kind, name).get("changed").asBoolean());
        JsonNode resumedAgain = ask("resume", kind, name);
        assertFalse(resumedAgain.get("changed").asBoolean());
        assertEquals("operator:anna", resumedAgain.get("endedBy").asText());
    }

    @Test
    void a_resume_of_what_was_never_paused_changes_nothing() {
        JsonNode answer = ask("resume", "job_type", "dev");

        assertFalse(answer.get("changed").asBoolean());
        assertEquals("ended", answer.get("status").asText());
        assertEquals(0, bus.count("pauses"));
    }

    @Test
    void a_name_that_does_not_fit_is_refused_with_the_names_that_do() {
        assertEquals("unknown_agent", refusal(() -> pause("agent", "nobody")).code());
        assertEquals(
                "unknown_gateway", refusal(() -> pause("gateway", "nowhere")).code());
        assertEquals("missing_field", refusal(() -> pause("agent", null)).code());
        assertEquals(
                "everything has no name, and the name is devops",
                refusal(() -> pause("everything", "devops")).message());
        Refusal type = refusal(() -> pause("job_type", "nothing"));
        assertEquals("there is no job type nothing in namespace default", type.message());
        assertTrue(type.detail().get("expected").asText().contains("reactive"));
        assertTrue(refusal(() -> pause("everything", null, "until", "2020-01-01T00:00:00Z"))
                .message()
                .contains("has passed"));
    }

    @ParameterizedTest
    @CsvSource({"agent, devops", "job_type, reactive", "gateway, default", "everything,"})
    void until_ends_a_pause_by_itself_and_the_audit_log_says_so(String kind, String name) {
        pause(kind, name, "until", "2100-01-01T00:00:00Z");
        String job = bus.enqueue();
        bus.jdbc().update("update pauses set until = now() - interval '1 second'");
        bus.jdbc().update("update agents set paused_until = now() - interval '1 second' where paused_at is not null");

        assertEquals(List.of(job), bus.claimedIds(10), "the claim needs no sweep");
        assertEquals(0, bus.ask("list_pauses").get("pauses").size());
        sweep();

        assertEquals(
                1,
                bus.count("audit_log where action = 'pause.changed' and actor = 'dispatcher:sweep'"
                        + " and why like 'its time was over at %'"));
        JsonNode ended = bus.ask("list_pauses", "includeEnded", true).at("/pauses/0");
        assertEquals("dispatcher:sweep", ended.get("endedBy").asText());
        assertFalse(bus.ask("list_agents").at("/agents/1/paused").asBoolean());
        sweep();
        assertEquals(1, bus.count("audit_log where action = 'pause.changed' and actor = 'dispatcher:sweep'"));
        assertTrue(pause(kind, name).get("changed").asBoolean(), "a new pause is a new row");
        assertEquals(2, bus.count("pauses"));
    }

    @Test
    void the_end_of_a_pause_opens_no_lane_that_the_bus_has_stopped_meanwhile() {
        pause("agent", "devops", "until", "2100-01-01T00:00:00Z");
        bus.jdbc().update("update pauses set until = now() - interval '1 second'");
        bus.jdbc()
                .update("update agents set paused_until = now() + interval '1 hour', paused_by = 'dispatcher',"
                        + " refusal_cause = 'HTTP 404' where agent_id = 'devops'");

        sweep();

        assertEquals(1, bus.count("pauses where ended_at is not null"));
        assertEquals(1, bus.count("agents where paused_at is not null"));
    }

    @ParameterizedTest
    @CsvSource({"agent, devops", "job_type, reactive", "gateway, default", "everything,"})
    void a_drain_says_once_that_nothing_runs_any_more(String kind, String name) {
        Attempt first = bus.running();
        Attempt second = bus.running();

        JsonNode drain = ask("drain", kind, name);
        assertEquals("draining", drain.get("status").asText());
        assertEquals(2, drain.get("running").asInt());
        bus.complete(first);
        sweep();
        assertEquals("draining", only().get("status").asText());
        assertEquals(0, bus.count("events where topic = 'pause.drained'"));

        bus.fail(second);
        sweep();
        sweep();

        assertEquals("drained", only().get("status").asText());
        JsonNode event = bus.one("select payload::text from events where topic = 'pause.drained'");
        assertEquals(kind, event.get("kind").asText());
        assertEquals("too much", event.get("reason").asText());
        assertFalse(ask("drain", kind, name).get("changed").asBoolean());
        assertEquals(List.of(), bus.claimedIds(10));
    }

    @Test
    void a_drain_of_what_is_idle_is_drained_at_once_and_a_pause_becomes_a_drain() {
        pause("everything", null);

        assertEquals("drained", ask("drain", "everything", null).get("status").asText());
        assertEquals(1, bus.count("events where topic = 'pause.drained'"));
        ask("resume", "everything", null);
        ask("drain", "everything", null);
        assertEquals(2, bus.count("events where topic = 'pause.drained'"), "each drain says it once");
    }

    @Test
    void the_older_operations_pause_and_resume_the_same_rows() {
        JsonNode agent = bus.ask("pause_agent", "agentId", "devops", "reason", "maintenance");
        assertTrue(agent.get("paused").asBoolean());
        assertEquals("agent", only().get("kind").asText());
        assertEquals("maintenance", only().get("reason").asText());
        bus.ask("resume_agent", "agentId", "devops");
        assertEquals(0, bus.ask("list_pauses").get("pauses").size());

        pause("agent", "devops");
        assertEquals(1, bus.count("agents where paused_by = 'anna'"));
        pause("gateway", "default");
        bus.ask("resume_gateway", "gateway", "default");
        assertEquals("devops", only().get("name").asText(), "agents that an operator has paused stay paused");
    }

    @Test
    void a_lane_that_was_paused_or_opened_by_hand_shows_as_its_agent_does() {
        bus.jdbc()
                .update("update agents set paused_at = now(), paused_by = 'anna', paused_reason = 'by hand'"
                        + " where agent_id = 'devops'");
        assertEquals("by hand", only().get("reason").asText());

        pause("agent", "devops");
        bus.jdbc().update("update agents set paused_at = null, paused_by = null, paused_reason = null");
        assertEquals(0, bus.ask("list_pauses").get("pauses").size());
        sweep();
        assertEquals(1, bus.count("pauses where end_reason = 'the lane was opened by hand'"));
        assertTrue(pause("agent", "devops").get("changed").asBoolean());
    }

    @Test
    void the_list_has_the_pauses_in_force_first_and_ended_ones_by_page() {
        for (int i = 0; i < 5; i++) {
            pause("job_type", "dev", "reason", "round " + i);
            ask("resume", "job_type", "dev");
        }
        pause("everything", null);

        JsonNode first = bus.ask("list_pauses", "includeEnded", true, "limit", 3);
        assertEquals("everything", first.at("/pauses/0/kind").asText());
        assertEquals(List.of("too much", "round 4", "round 3", "round 2"), reasons(first));
        JsonNode second = bus.ask(
                "list_pauses",
                "includeEnded",
                true,
                "limit",
                3,
                "before",
                first.get("next").asText());
        assertEquals(List.of("round 1", "round 0"), reasons(second));
        assertFalse(second.has("next"));
        assertEquals(List.of("too much"), reasons(bus.ask("list_pauses")));
    }

    private static List<String> reasons(JsonNode page) {
        return page.get("pauses").findValuesAsText("reason");
    }

    @ParameterizedTest
    @ValueSource(strings = {"pause", "drain", "resume"})
    void markup_in_a_reason_is_kept_as_it_is(String function) {
        pause("everything", null);
        String reason = "<img src=x onerror=alert(1)>'; drop table pauses; --";

        JsonNode answer = ask(function, "everything", null, "reason", reason);

        assertEquals(
                reason,
                answer.get(function.equals("resume") ? "endReason" : "reason").asText());
    }

    @Test
    void the_metric_counts_what_people_have_stopped_by_kind() {
        pause("agent", "devops");
        pause("agent", "research");
        pause("everything", null);
        bus.ask("freeze", "kind", "agent", "name", "devops", "reason", "no");

        List<String> counts = bus.jdbc()
                .queryForList(
                        "select (c ->> 'kind') || ' ' || (c ->> 'pauses') from pause_counts() c order by 1",
                        String.class);

        assertEquals(List.of("agent 2", "everything 1", "frozen_agent 1"), counts);
    }

    @ParameterizedTest
    @CsvSource({"agent, devops", "job_type, reactive", "gateway, default", "everything,"})
    void the_pause_of_another_person_is_replaced_only_on_purpose(String kind, String name) {
        pause(kind, name);
        var bert = Machine.json("kind", "operator", "name", "bert");
        var input = Machine.json("kind", kind, "reason", "the disk is full");
        if (name != null) {
            input.put("name", name);
        }

        Refusal refused = refusal(() -> bus.call("pause", bert, input));

        assertEquals("409 wrong_state replace", refused.brief());
        assertTrue(refused.message().contains("is paused by operator:anna since "), refused.message());
        assertTrue(refused.message().endsWith(": too much"), refused.message());
        assertEquals(
                "409 wrong_state replace",
                refusal(() -> bus.call("drain", bert, input)).brief());
        assertEquals("too much", only().get("reason").asText());
        JsonNode same = bus.call("pause", bert, input.deepCopy().put("reason", "too much"));
        assertFalse(same.get("changed").asBoolean(), "the same pause again");
        assertEquals("operator:anna", same.get("by").asText());

        JsonNode replaced = bus.call("pause", bert, input.put("replace", true));

        assertTrue(replaced.get("changed").asBoolean());
        assertEquals("operator:bert", only().get("by").asText());
        assertEquals("the disk is full", only().get("reason").asText());
    }
}
