package agentbus.sql;

import static agentbus.sql.Machine.json;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Events of a coalescing subscription join the job that waits for its first claim. */
@ExtendWith(PostgresExtension.class)
class CoalescingTest {
    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        bus.jdbc()
                .update("insert into subscriptions (namespace, topic_pattern, agent_id, subject, coalesces)"
                        + " values ('default', 'a.*', 'research', 'research.packet', true)");
    }

    private JsonNode say(String topic, Object payload) {
        return bus.ask("emit_event", "topic", topic, "payload", json("n", payload));
    }

    private JsonNode payload(String job) {
        return bus.ask("get_job", "jobId", job).get("payload");
    }

    @Test
    void events_join_the_job_that_waits() {
        String job = say("a.b", 1).at("/jobs/0").asText();
        JsonNode second = say("a.c", 2);

        assertEquals(job, second.at("/jobs/0").asText());
        assertEquals(1, bus.count("jobs"));
        JsonNode payload = payload(job);
        assertEquals("a.b", payload.get("topic").asText());
        assertEquals(2, payload.get("eventCount").asInt());
        assertEquals(2, payload.get("events").size());
        assertEquals(second.at("/event/eventId"), payload.at("/events/1/eventId"));
        assertEquals(2, payload.at("/events/1/event/n").asInt());
    }

    @Test
    void a_job_that_was_claimed_is_left_alone() {
        String first = say("a.b", 1).at("/jobs/0").asText();
        Attempt attempt = bus.claim();
        String second = say("a.b", 2).at("/jobs/0").asText();
        assertNotEquals(first, second);

        bus.jdbc().update("update jobs set run_after = now() + interval '1 day' where job_id = ?::uuid", second);
        bus.fail(attempt, "retryAfterSeconds", 0);
        String third = say("a.b", 3).at("/jobs/0").asText();

        assertEquals(second, third, "queued again after an attempt is not waiting for its first claim");
        assertEquals(1, payload(first).get("eventCount").asInt());
    }

    @Test
    void past_a_hundred_events_and_past_a_size_only_the_count_grows() {
        String job = say("a.b", 0).at("/jobs/0").asText();
        for (int i = 0; i < 104; i++) {
            say("a.b", i);
        }
        assertEquals(100, payload(job).get("events").size());
        assertEquals(105, payload(job).get("eventCount").asInt());

        bus.claim();
        String large = say("a.b", "x".repeat(60_000)).at("/jobs/0").asText();
        say("a.b", "y".repeat(150_000));
        say("a.b", "small");
        assertEquals(2, payload(large).get("events").size(), "the large one is counted, the small one fits");
        assertEquals(3, payload(large).get("eventCount").asInt());
    }

    @Test
    void a_subscription_that_does_not_coalesce_makes_a_job_of_each_event() {
        bus.jdbc().update("update subscriptions set coalesces = false");
        say("a.b", 1);
        JsonNode payload = payload(say("a.b", 2).at("/jobs/0").asText());

        assertEquals(2, bus.count("jobs"));
        assertFalse(payload.has("events"));
    }

    @Test
    void a_joined_job_is_as_deep_and_as_little_trusted_as_the_worst_of_its_events() {
        Attempt outside = bus.running("trust", "untrusted");
        String job = say("a.b", 1).at("/jobs/0").asText();
        bus.jdbc().update("update jobs set hops = 7 where job_id = ?::uuid", outside.job());

        bus.call("emit_event", bus.principal(outside), json("topic", "a.b"));

        assertEquals("untrusted", bus.column(job, "trust", String.class));
        assertEquals(8, bus.column(job, "hops", Integer.class));
    }

    @Test
    void an_event_whose_chain_is_too_long_joins_nothing() {
        Attempt deep = bus.running();
        String job = say("a.b", 1).at("/jobs/0").asText();
        bus.jdbc().update("update jobs set hops = 20 where job_id = ?::uuid", deep.job());

        bus.call("emit_event", bus.principal(deep), json("topic", "a.b"));

        assertEquals(1, payload(job).get("eventCount").asInt());
        assertEquals(1, bus.count("events where topic = 'agent.subscription_refused'"));
    }

    @Test
    void a_sync_turns_it_on_and_off() {
        String agent =
                """
                [{"id": "research", "accepts": ["research.packet"],
                  "subscriptions": [{"topic": "a.*", "subject": "research.packet", "coalesce": %s}]}]
                """;
        bus.one("select sync_agents('default', ?::jsonb)", agent.formatted("false"));
        assertEquals(1, bus.count("subscriptions where not coalesces"));
        bus.one("select sync_agents('default', ?::jsonb)", agent.formatted("true"));
        assertEquals(1, bus.count("subscriptions where coalesces"));
    }
}
