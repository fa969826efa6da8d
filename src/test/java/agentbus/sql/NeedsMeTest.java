package agentbus.sql;

import static agentbus.sql.Machine.json;
import static agentbus.sql.Needs.assertSays;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** What waits for a person is shown once, with the calls that resolve it; what moves by itself is not. */
@ExtendWith(PostgresExtension.class)
class NeedsMeTest {
    private Machine bus;
    private Needs needs;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        needs = new Needs(bus);
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

        assertEquals(0, needs.items().size(), answer::toString);
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

        JsonNode item = needs.only();
        assertEquals("blocked", item.get("kind").asText());
        assertSays("devops waits for anna (infra.check): which host? web-1 or web-2.", item);
        assertEquals(
                "It stays blocked unless the coordinator decides.",
                item.get("ifNobodyActs").asText());
        assertEquals(attempt.job(), item.get("jobId").asText());
        assertEquals("devops", item.get("agentId").asText());

        needs.act(item, "Answer");

        assertEquals(List.of(), needs.items());
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

        List<JsonNode> items = needs.items();

        assertEquals(2, items.size());
        assertSays("devops waits for anna (infra.check): which region?", items.get(0));
        assertSays("devops waits for anna with 3 jobs (infra.check): no key of web-1.", items.get(1));
        assertEquals(3, items.get(1).get("count").asInt());
        String id = items.get(1).get("id").asText();
        needs.act(items.get(1), "Cancel the oldest");
        assertEquals("cancelled", bus.state(jobs.get(0)));
        assertEquals(id, needs.items().get(1).get("id").asText(), "an id stays while its cause lasts");
    }

    @Test
    void a_block_that_names_nobody_is_left_to_the_coordinator_for_an_hour() {
        Attempt attempt = bus.running();
        bus.block(attempt);
        bus.claim(Machine.D1, 1);
        assertEquals(List.of(), needs.items(), "the coordinator has it");

        bus.jdbc()
                .update(
                        "update jobs set updated_at = now() - interval '61 minutes' where job_id = ?::uuid",
                        attempt.job());
        assertSays("devops waits for a decision (infra.check): no credentials.", needs.only());

        bus.jdbc().update("update jobs set updated_at = now() where job_id = ?::uuid", attempt.job());
        bus.jdbc().update("update agents set enabled = false where agent_id = 'coordinator'");
        assertEquals("It stays blocked.", needs.only().get("ifNobodyActs").asText());
    }

    @Test
    void jobs_that_are_blocked_on_a_failed_job_are_one_item_and_its_redrive_moves_them() {
        bus.jdbc().update("update agents set enabled = false where agent_id = 'coordinator'");
        Attempt failed = bus.running();
        for (int i = 0; i < 2; i++) {
            bus.enqueue("dependsOn", List.of(failed.job()));
        }
        bus.fail(failed, "retry", false);

        JsonNode item = needs.only();
        assertSays("2 jobs are blocked, because a job of devops (infra.check) has ended failed: it broke.", item);
        assertEquals(failed.job(), item.get("causeJobId").asText());

        needs.act(item, "Redrive the failed job");

        assertEquals(List.of(), needs.items());
    }

    @Test
    void dead_letters_of_one_agent_and_subject_are_one_item() {
        bus.dead();
        JsonNode one = needs.only();
        assertSays("1 job of devops (infra.check) is dead after 1 attempt: it broke.", one);
        assertEquals("dead", one.get("kind").asText());
        assertEquals(1, one.get("count").asInt());

        String last = bus.dead();
        bus.dead("subject", "infra.repair");
        List<JsonNode> items = needs.items();
        assertEquals(2, items.size());
        assertSays("2 jobs of devops (infra.check) are dead letters; the last one: it broke.", items.get(0));
        assertEquals(last, items.get(0).get("jobId").asText());

        needs.act(items.get(0), "Redrive 2 jobs");
        needs.act(needs.only("dead/devops/infra.repair"), "Dismiss");

        assertEquals(
                "{\"state\": [\"dead\"], \"subject\": \"infra.check\", \"targetAgent\": \"devops\"}",
                bus.jdbc().queryForObject("select filter::text from bulk_actions", String.class));
        assertEquals(List.of("dead/devops/infra.check"), needs.ids());
        bus.jdbc().queryForList("select run_bulk_batch()");
        assertEquals(List.of(), needs.ids());
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

        JsonNode item = needs.only();
        assertSays("devops asks anna: May I restart web-1?", item);
        assertEquals("question", item.get("kind").asText());
        assertEquals("it is slow", item.get("why").asText());
        assertEquals(
                "The question stays open, and its job stays blocked.",
                item.get("ifNobodyActs").asText());
        assertEquals(List.of("yes", "no", "Answer", "Withdraw"), item.findValuesAsText("label"));

        needs.act(item, "no");

        assertEquals(List.of(), needs.items());
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

        JsonNode item = needs.only();
        assertSays("devops asks for approval: Send the mail.", item);
        assertEquals("all", item.at("/content/to").asText());
        assertEquals(
                "At 2100-01-01T00:00:00Z the job is cancelled.",
                item.get("ifNobodyActs").asText());

        needs.act(item, "Approve");

        assertEquals("approved", bus.jdbc().queryForObject("select decision from questions", String.class));
        assertEquals(List.of(), needs.items());
    }

    @Test
    void a_count_that_stops_says_so() {
        bus.jdbc().execute("alter table jobs disable trigger user");
        bus.jdbc()
                .update(
                        "insert into jobs (namespace, target_agent, job_type, subject, state, ended_at, timeout_seconds,"
                                + " hard_timeout_seconds, attempt_count)"
                                + " select 'default', 'devops', 'reactive', 'infra.check', 'dead', now(), 1, 1, 5"
                                + " from generate_series(1, 1001)");
        bus.jdbc().execute("alter table jobs enable trigger user");

        JsonNode item = needs.only();

        assertSays("more than 1,000 jobs of devops (infra.check) are dead letters.", item);
        assertEquals(1_000, item.get("count").asInt());
        assertTrue(item.get("countCapped").asBoolean());
    }

    @Test
    void at_most_100_items_are_shown_and_more_says_that_there_are_others() {
        bus.jdbc().execute("alter table jobs disable trigger user");
        bus.jdbc()
                .update("insert into jobs (namespace, target_agent, job_type, subject, state, blocked_reason,"
                        + " blocked_on_person, timeout_seconds, hard_timeout_seconds)"
                        + " select 'default', 'devops', 'reactive', 'infra.check', 'blocked', 'question ' || n,"
                        + " 'anna', 1, 1 from generate_series(1, 2100) n");
        bus.jdbc().execute("alter table jobs enable trigger user");

        JsonNode answer = bus.ask("needs_me");

        assertEquals(100, answer.get("items").size());
        assertTrue(answer.get("more").asBoolean());
    }

    @Test
    void each_namespace_sees_its_own() {
        bus.jdbc().update("insert into namespaces values ('other') on conflict do nothing");
        bus.dead();

        assertEquals(List.of(), needs.items("namespace", "other"));
        assertEquals(List.of("dead/devops/infra.check"), needs.ids());
    }
}
