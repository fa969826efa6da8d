package agentbus.sql;

import static agentbus.sql.Machine.json;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.contract.Contract;
import agentbus.contract.Operation;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** What waits for a person is shown once, with the calls that resolve it; what moves by itself is not. */
@ExtendWith(PostgresExtension.class)
class NeedsMeTest {
    private static final Contract CONTRACT = Contract.load();

    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
    }

    private List<JsonNode> items(Object... input) {
        List<JsonNode> items = new ArrayList<>();
        JsonNode answer = bus.ask("needs_me", input);
        answer.get("items").forEach(items::add);
        assertEquals(items.size(), answer.get("count").asInt());
        items.forEach(NeedsMeTest::assertTheContractTakesItsActions);
        // Of the whole server, where other tests are at work.
        items.removeIf(item -> item.get("id").asText().equals("database/oldest_transaction"));
        return items;
    }

    private JsonNode only() {
        List<JsonNode> items = items();
        assertEquals(1, items.size(), items::toString);
        return items.get(0);
    }

    private static void assertTheContractTakesItsActions(JsonNode item) {
        for (JsonNode action : item.get("actions")) {
            filled(action);
        }
    }

    /** The input of an action with the fields that the person gives, as the door checks it. */
    private static ObjectNode filled(JsonNode action) {
        Operation operation = CONTRACT.operation(action.get("operation").asText());
        ObjectNode input = ((ObjectNode) action.get("input")).deepCopy();
        action.get("needs").forEach(field -> input.put(field.asText(), "as I say"));
        return operation.check(input, UnaryOperator.identity());
    }

    /** Does what the button of this label does. */
    private void act(JsonNode item, String label) {
        for (JsonNode action : item.get("actions")) {
            if (action.get("label").asText().equals(label)) {
                bus.call(
                        CONTRACT.operation(action.get("operation").asText()).function(),
                        Machine.operator(),
                        filled(action));
                return;
            }
        }
        throw new AssertionError("no action " + label + " in " + item);
    }

    private static void assertSays(String sentence, JsonNode item) {
        assertEquals(sentence, item.get("sentence").asText());
    }

    @Test
    void a_bus_at_work_needs_nobody_and_says_how_it_does() {
        bus.complete(bus.running());
        bus.running();
        bus.enqueue("delaySeconds", 60);
        String job = bus.enqueue();
        bus.enqueue("dependsOn", List.of(job));

        JsonNode answer = bus.ask(
                "needs_me", "midnight", Instant.now().minus(Duration.ofHours(1)).toString());

        assertEquals(0, items().size(), answer::toString);
        assertFalse(answer.get("more").asBoolean());
        assertEquals(1, answer.at("/quiet/atWork").asInt());
        assertEquals(1, answer.at("/quiet/doneSinceMidnight").asInt());
        assertTrue(answer.has("measuredAt"));
    }

    @Test
    void the_next_order_is_named_while_nobody_is_needed() {
        Instant now = Instant.now().truncatedTo(ChronoUnit.SECONDS);
        Orders orders = new Orders(bus);
        orders.sync(now, Orders.order("patrol"));
        Instant next = now.plus(Duration.ofMinutes(4));
        orders.plan("patrol", "0 0 * * * ?", now, next, next);

        JsonNode quiet = bus.ask("needs_me").get("quiet");

        assertEquals("patrol", quiet.get("nextOrder").asText());
        assertEquals(
                next,
                java.time.OffsetDateTime.parse(quiet.get("nextOrderAt").asText())
                        .toInstant());
    }

    @Test
    void a_job_that_is_blocked_on_a_person_is_shown_until_it_is_answered() {
        Attempt attempt = bus.running();
        bus.say(attempt, "block_job", "reason", "which host?\nweb-1 or web-2", "unblock", json("person", "anna"));

        JsonNode item = only();
        assertEquals("blocked", item.get("kind").asText());
        assertSays("devops waits for anna (infra.check): which host? web-1 or web-2.", item);
        assertEquals(
                "It stays blocked unless the coordinator decides.",
                item.get("ifNobodyActs").asText());
        assertEquals(attempt.job(), item.get("jobId").asText());
        assertEquals("devops", item.get("agentId").asText());

        act(item, "Answer");

        assertEquals(List.of(), items());
        assertEquals("queued", bus.state(attempt.job()));
        assertEquals("as I say", bus.column(attempt.job(), "answer", String.class));
    }

    @Test
    void jobs_that_are_blocked_for_one_cause_are_one_item_and_the_oldest_cause_comes_first() {
        bus.jdbc().update("update agents set enabled = false where agent_id = 'coordinator'");
        List<String> jobs = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            Attempt attempt = bus.running();
            bus.say(attempt, "block_job", "reason", "no key of web-1", "unblock", json("person", "anna"));
            jobs.add(attempt.job());
        }
        Attempt other = bus.running();
        bus.say(other, "block_job", "reason", "which region?", "unblock", json("person", "anna"));
        bus.jdbc().update("update jobs set updated_at = now() - interval '1 hour' where job_id = ?::uuid", other.job());

        List<JsonNode> items = items();

        assertEquals(2, items.size());
        assertSays("devops waits for anna (infra.check): which region?", items.get(0));
        assertSays("devops waits for anna with 3 jobs (infra.check): no key of web-1.", items.get(1));
        assertEquals(3, items.get(1).get("count").asInt());
        String id = items.get(1).get("id").asText();
        act(items.get(1), "Cancel the oldest");
        assertEquals("cancelled", bus.state(jobs.get(0)));
        assertEquals(id, items().get(1).get("id").asText(), "an id stays while its cause lasts");
    }

    @Test
    void a_block_that_names_nobody_is_left_to_the_coordinator_for_an_hour() {
        Attempt attempt = bus.running();
        bus.block(attempt);
        bus.claim(Machine.D1, 1);
        assertEquals(List.of(), items(), "the coordinator has it");

        bus.jdbc()
                .update(
                        "update jobs set updated_at = now() - interval '61 minutes' where job_id = ?::uuid",
                        attempt.job());
        assertSays("devops waits for a decision (infra.check): no credentials.", only());

        bus.jdbc().update("update jobs set updated_at = now() where job_id = ?::uuid", attempt.job());
        bus.jdbc().update("update agents set enabled = false where agent_id = 'coordinator'");
        assertEquals("It stays blocked.", only().get("ifNobodyActs").asText());
    }

    @Test
    void jobs_that_are_blocked_on_a_failed_job_are_one_item_and_its_redrive_moves_them() {
        bus.jdbc().update("update agents set enabled = false where agent_id = 'coordinator'");
        Attempt failed = bus.running();
        for (int i = 0; i < 2; i++) {
            bus.enqueue("dependsOn", List.of(failed.job()));
        }
        bus.fail(failed, "retry", false);

        JsonNode item = only();
        assertSays("2 jobs are blocked, because a job of devops (infra.check) has ended failed: it broke.", item);
        assertEquals(failed.job(), item.get("causeJobId").asText());

        act(item, "Redrive the failed job");

        assertEquals(List.of(), items());
    }

    @Test
    void dead_letters_of_one_agent_and_subject_are_one_item() {
        bus.dead();
        JsonNode one = only();
        assertSays("1 job of devops (infra.check) is dead after 1 attempt: it broke.", one);
        assertEquals("dead", one.get("kind").asText());
        assertEquals(1, one.get("count").asInt());

        String last = bus.dead();
        bus.dead("subject", "infra.repair");
        List<JsonNode> items = items();
        assertEquals(2, items.size());
        assertSays("2 jobs of devops (infra.check) are dead letters; the last one: it broke.", items.get(0));
        assertEquals(last, items.get(0).get("jobId").asText());

        act(items.get(0), "Redrive 2 jobs");
        act(only("dead/devops/infra.repair"), "Dismiss");

        assertEquals(
                "{\"state\": [\"dead\"], \"subject\": \"infra.check\", \"targetAgent\": \"devops\"}",
                bus.jdbc().queryForObject("select filter::text from bulk_actions", String.class));
        assertEquals(List.of("dead/devops/infra.check"), ids());
        bus.jdbc().queryForList("select run_bulk_batch()");
        assertEquals(List.of(), ids());
    }

    @Test
    void a_question_is_shown_with_an_action_for_each_option_and_its_job_is_not_shown_twice() {
        Attempt attempt = bus.running();
        bus.say(
                attempt,
                "ask",
                "question",
                "May I restart web-1?",
                "options",
                List.of("yes", "no"),
                "why",
                "it is slow",
                "askedOf",
                json("person", "anna"));

        JsonNode item = only();
        assertSays("devops asks anna: May I restart web-1?", item);
        assertEquals("question", item.get("kind").asText());
        assertEquals("it is slow", item.get("why").asText());
        assertEquals(
                "The question stays open, and its job stays blocked.",
                item.get("ifNobodyActs").asText());
        assertEquals(
                List.of("yes", "no", "Answer", "Withdraw"),
                item.findValuesAsText("label"));

        act(item, "no");

        assertEquals(List.of(), items());
        assertEquals("queued", bus.state(attempt.job()));
    }

    @Test
    void an_approval_is_bound_to_the_content_that_it_shows() {
        Attempt attempt = bus.running();
        bus.say(
                attempt,
                "request_approval",
                "question",
                "Send the mail",
                "content",
                json("to", "all"),
                "deadline",
                "2100-01-01T00:00:00Z",
                "onSilence",
                "cancel");

        JsonNode item = only();
        assertSays("devops asks for approval: Send the mail.", item);
        assertEquals("all", item.at("/content/to").asText());
        assertEquals(
                "At 2100-01-01T00:00:00Z the job is cancelled.",
                item.get("ifNobodyActs").asText());

        act(item, "Approve");

        assertEquals(
                "approved", bus.jdbc().queryForObject("select decision from questions", String.class));
        assertEquals(List.of(), items());
    }

    @Test
    void what_stops_everything_is_shown_at_once_and_other_pauses_after_a_day() {
        bus.ask("pause", "kind", "agent", "name", "devops", "reason", "maintenance");
        bus.ask("freeze", "kind", "agent", "name", "research", "reason", "audit");
        assertEquals(List.of(), items());
        bus.ask("pause", "kind", "everything", "reason", "fire drill");

        JsonNode item = only();
        assertTrue(
                item.get("sentence").asText().startsWith("Everything is paused by operator:anna since "),
                item::toString);
        act(item, "Resume");

        bus.jdbc().update("update pauses set since = now() - interval '25 hours' where ended_at is null");
        bus.jdbc().update("update agents set paused_at = now() - interval '25 hours' where agent_id = 'devops'");
        assertEquals(List.of("frozen/agent/research", "paused/agent/devops"), ids());
        act(only("paused/agent/devops"), "Resume");
        act(only("frozen/agent/research"), "End the freeze");
        assertEquals(List.of(), ids());
    }

    @Test
    void a_bulk_action_of_which_jobs_failed_is_shown_for_a_day() {
        bus.jdbc()
                .update(
                        "insert into bulk_actions (namespace, operation, filter, reason, started_by, frozen_up_to, status,"
                                + " failed, failures, ended_at) values ('default', 'redrive', '{}', 'again',"
                                + " 'operator:anna', 1, 'done', 2, '[{\"detail\": \"its key is taken\"}]', now())");

        assertSays("2 jobs have failed in the bulk action redrive of anna, such as: its key is taken.", only());

        bus.jdbc().update("update bulk_actions set ended_at = now() - interval '25 hours'");
        assertEquals(List.of(), items());
    }

    private List<String> ids() {
        return items().stream().map(item -> item.get("id").asText()).toList();
    }

    private JsonNode only(String id) {
        return items().stream()
                .filter(item -> item.get("id").asText().equals(id))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void a_count_that_stops_says_so() {
        bus.jdbc().execute("alter table jobs disable trigger user");
        bus.jdbc()
                .update(
                        "insert into jobs (namespace, target_agent, job_type, subject, state, ended_at, timeout_seconds,"
                                + " hard_timeout_seconds, attempt_count)"
                                + " select 'default', 'devops', 'reactive', 'infra.check', 'dead', now(), 1, 1, 5"
                                + " from generate_series(1, 10001)");
        bus.jdbc().execute("alter table jobs enable trigger user");

        JsonNode item = only();

        assertSays("more than 10,000 jobs of devops (infra.check) are dead letters.", item);
        assertEquals(10_000, item.get("count").asInt());
        assertTrue(item.get("countCapped").asBoolean());
    }

    @Test
    void at_most_200_items_are_shown_and_more_says_that_there_are_others() {
        bus.jdbc().execute("alter table jobs disable trigger user");
        bus.jdbc()
                .update("insert into jobs (namespace, target_agent, job_type, subject, state, blocked_reason,"
                        + " blocked_on_person, timeout_seconds, hard_timeout_seconds)"
                        + " select 'default', 'devops', 'reactive', 'infra.check', 'blocked', 'question ' || n,"
                        + " 'anna', 1, 1 from generate_series(1, 2100) n");
        bus.jdbc().execute("alter table jobs enable trigger user");

        JsonNode answer = bus.ask("needs_me");

        assertEquals(200, answer.get("items").size());
        assertTrue(answer.get("more").asBoolean());
    }

    @Test
    void an_order_that_missed_a_slot_is_shown_until_it_runs() {
        Instant now = Instant.now().truncatedTo(ChronoUnit.SECONDS);
        Orders orders = new Orders(bus);
        Instant past = now.minus(Duration.ofHours(3));
        orders.sync(past, Orders.order("patrol", "catchUp", "skip"));
        orders.plan(
                "patrol",
                "0 0 * * * ?",
                past,
                now.plus(Duration.ofHours(1)),
                now.minus(Duration.ofHours(2)),
                now.plus(Duration.ofHours(1)));
        orders.settle(now);

        JsonNode item = only();
        assertEquals("order_missed", item.get("kind").asText());
        assertEquals("patrol", item.get("orderName").asText());
        assertTrue(
                item.get("sentence")
                        .asText()
                        .startsWith("Standing order patrol of devops missed 1 slot within 24 hours: "),
                item::toString);
        assertTrue(item.get("ifNobodyActs").asText().startsWith("Its next slot is at "), item::toString);

        act(item, "Run it now");

        assertEquals(List.of(), items());
    }

    @Test
    void an_order_that_fails_is_shown_with_its_last_error() {
        Instant now = Instant.now().truncatedTo(ChronoUnit.SECONDS);
        Orders orders = new Orders(bus);
        orders.sync(now.minus(Duration.ofHours(3)), Orders.order("patrol"));
        for (int i = 0; i < 2; i++) {
            bus.ask("run_standing_order", "orderName", "patrol");
            Attempt attempt = bus.claim();
            bus.admitted(attempt);
            bus.fail(attempt, "retry", false);
        }

        JsonNode item = items().stream()
                .filter(i -> i.get("kind").asText().equals("order_failing"))
                .findFirst()
                .orElseThrow();
        assertTrue(
                item.get("sentence")
                        .asText()
                        .startsWith("Standing order patrol of devops has failed 2 times in a row: "),
                item::toString);
    }

    @Test
    void a_stopped_lane_a_gateway_that_is_down_and_a_forgotten_pause_are_shown() {
        bus.jdbc()
                .update("update agents set paused_at = now() - interval '2 minutes', paused_by = 'dispatcher',"
                        + " paused_reason = 'gateway answered 404: no mapping', refusal_cause = 'gateway answered 404',"
                        + " refusal_stops = 1, paused_until = now() + interval '1 minute' where agent_id = 'devops'");
        bus.jdbc()
                .update("update agents set paused_at = now() - interval '25 hours', paused_by = 'anna',"
                        + " paused_reason = 'vacation' where agent_id = 'research'");
        bus.jdbc()
                .update("update gateways set state = 'down', state_since = now() - interval '1 minute',"
                        + " state_reason = 'connection refused', checked_at = now() where namespace = 'default'");

        List<JsonNode> items = items();

        assertEquals(
                List.of("paused", "lane_stopped", "gateway"),
                items.stream().map(item -> item.get("kind").asText()).toList());
        assertTrue(
                items.get(0).get("sentence").asText().startsWith("Agent research is paused by anna since "),
                items::toString);
        assertSays(
                "Gateway default refuses the jobs of devops, so the bus has stopped its lane:"
                        + " gateway answered 404: no mapping.",
                items.get(1));
        assertTrue(items.get(2).get("sentence").asText().startsWith("Gateway default is down since "), items::toString);
        assertEquals(
                "The jobs of coordinator, devops, research wait.",
                items.get(2).get("ifNobodyActs").asText());
        act(items.get(0), "Resume");
        act(items.get(1), "Try again now");
        assertEquals(List.of("gateway/default"), ids());

        bus.jdbc().update("update gateways set state_since = now() - interval '20 seconds'");
        assertEquals(List.of(), items(), "a restart takes some seconds");
    }

    @Test
    void a_dead_dispatcher_a_row_that_no_sweep_handles_and_an_idle_recovery_are_shown() {
        bus.one(
                "select dispatcher_heartbeat('d', ?::jsonb)",
                json("host", "h", "pid", 1, "version", "1", "wakeSource", "poll", "beatSeconds", 2, "leaseMs", 60_000)
                        .set("attempts", Machine.parse("[]"))
                        .toString());
        assertEquals(List.of(), items());
        bus.jdbc().update("update dispatcher_heartbeats set last_seen = now() - interval '1 hour'");
        bus.jdbc()
                .update("insert into sweep_failures (what, row_id, namespace, error, retry_at, created_at)"
                        + " values ('lease', gen_random_uuid(), 'default', 'broken trigger', now(),"
                        + " now() - interval '10 minutes')");
        bus.jdbc()
                .update("insert into bus_facts (namespace, name, value)"
                        + " values ('default', 'last_recovery', now() - interval '2 minutes')");

        List<JsonNode> items = items();

        assertEquals(
                List.of("dispatcher", "database", "database"),
                items.stream().map(item -> item.get("kind").asText()).toList());
        assertTrue(items.get(0).get("sentence").asText().startsWith("No dispatcher is alive since "), items::toString);
        assertSays("A sweep cannot handle 1 job (lease): broken trigger.", items.get(1));
    }

    @Test
    void each_namespace_sees_its_own() {
        bus.jdbc().update("insert into namespaces values ('other') on conflict do nothing");
        bus.dead();

        assertEquals(List.of(), items("namespace", "other"));
        assertEquals(List.of("dead/devops/infra.check"), ids());
    }
}
