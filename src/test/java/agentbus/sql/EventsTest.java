package agentbus.sql;

import static agentbus.sql.Machine.agent;
import static agentbus.sql.Machine.json;
import static agentbus.sql.Machine.refusal;
import static agentbus.sql.Machine.sqlState;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@ExtendWith(PostgresExtension.class)
class EventsTest {
    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
    }

    private void subscribe(String agent, String pattern, String subject) {
        bus.jdbc()
                .update(
                        "insert into subscriptions (namespace, topic_pattern, agent_id, subject, priority) values ('default', ?, ?, ?, 300)",
                        pattern,
                        agent,
                        subject);
    }

    @Test
    void a_search_for_a_rare_topic_stops_and_says_how_far_it_has_looked() {
        int looks = bus.jdbc().queryForObject("select event_looks()", Integer.class);
        bus.ask("emit_event", "topic", "rare.first");
        bus.jdbc()
                .update(
                        "insert into events (namespace, topic, payload) select 'default', 'common', '{}' from generate_series(1, ?)",
                        2 * looks);
        bus.ask("emit_event", "topic", "rare.last");

        List<String> found = new ArrayList<>();
        JsonNode page = bus.ask("list_events", "topic", "rare.*");
        int pages = 1;
        for (; page.has("older"); pages++) {
            assertTrue(page.has("searchedTo"), page.toString());
            page.get("events").forEach(event -> found.add(event.get("topic").asText()));
            page = bus.ask("list_events", "topic", "rare.*", "before", page.get("older"));
        }
        page.get("events").forEach(event -> found.add(event.get("topic").asText()));
        assertEquals(List.of("rare.last", "rare.first"), found);
        assertEquals(3, pages);

        JsonNode forward = bus.ask("list_events", "topic", "rare.*", "after", 0);
        assertEquals(List.of("rare.first"), forward.get("events").findValuesAsText("topic"));
        assertTrue(forward.has("next") && forward.has("searchedTo"), forward.toString());
        while (forward.has("next")) {
            forward = bus.ask("list_events", "topic", "rare.*", "after", forward.get("next"));
        }
        assertEquals(List.of("rare.last"), forward.get("events").findValuesAsText("topic"));
        assertFalse(bus.ask("list_events", "topic", "common", "limit", 3).has("searchedTo"), "a full page");
    }

    @Test
    void an_event_is_written_once_for_each_dedupe_key_of_a_topic() {
        JsonNode first = bus.ask("emit_event", "topic", "infra.checked", "dedupeKey", "k", "payload", json("ok", true));
        JsonNode again =
                bus.ask("emit_event", "topic", "infra.checked", "dedupeKey", "k", "payload", json("ok", false));
        JsonNode other = bus.ask("emit_event", "topic", "infra.repaired", "dedupeKey", "k");

        assertTrue(first.get("created").asBoolean());
        assertFalse(again.get("created").asBoolean());
        assertEquals(first.at("/event/eventId"), again.at("/event/eventId"));
        assertTrue(again.at("/event/payload/ok").asBoolean());
        assertTrue(other.get("created").asBoolean());
    }

    @Test
    void one_dedupe_key_from_many_connections_at_once_gives_one_event_and_one_job() throws Exception {
        subscribe("research", "infra.#", "research.packet");

        List<JsonNode> answers =
                Race.won(6, i -> () -> bus.ask("emit_event", "topic", "infra.checked", "dedupeKey", "k"));

        assertEquals(
                1, answers.stream().filter(a -> a.get("created").asBoolean()).count());
        assertEquals(1, bus.count("events where topic = 'infra.checked'"));
        assertEquals(1, bus.count("jobs"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"events", "audit_log"})
    void facts_and_the_audit_log_are_append_only(String table) {
        bus.enqueue();

        assertEquals("AB403", sqlState(() -> bus.jdbc().update("update " + table + " set namespace = namespace")));
        assertEquals("AB403", sqlState(() -> bus.jdbc().update("delete from " + table)));
        bus.jdbc().execute("begin; set local agentbus.retention = 'on'; delete from " + table + "; commit");
        assertEquals(0, bus.count(table));
    }

    @ParameterizedTest
    @CsvSource({
        "infra.checked, infra.checked, true",
        "infra.checked, infra.checkedx, false",
        "infra.checked, infraxchecked, false",
        "infra.*, infra.checked, true",
        "infra.*, infra, false",
        "infra.*, infra.host.checked, false",
        "*.checked, infra.checked, true",
        "*.checked, checked, false",
        "*, infra, true",
        "*, infra.checked, false",
        "'#', infra, true",
        "'#', infra.host.checked, true",
        "'infra.#', infra, true",
        "'infra.#', infra.host.checked, true",
        "'infra.#', infrastructure, false",
        "'#.checked', checked, true",
        "'#.checked', infra.host.checked, true",
        "'#.checked', infra.unchecked, false",
        "'a.#.z', a.z, true",
        "'a.#.z', a.b.c.z, true",
        "'a.#.z', az, false",
        "'*.#', a, true",
        "'*.#.z', a.b.z, true",
        "'*.#.z', z, false",
        "'#.*', a, true",
        "'#.#', a, true",
        "'#.#.z', z, true",
        "'#.#.z', a.z, true",
        "'#.#.z', az, false",
        "'a.#.#', a, true",
        "'#.b.#', b, true",
        "'#.b.#', a.b.c, true",
        "'#.b.#', a.bb.c, false",
        "a_b-c.*, a_b-c.9, true"
    })
    void a_topic_pattern_matches_words(String pattern, String topic, boolean matches) {
        assertEquals(matches, bus.jdbc().queryForObject("select ? ~ topic_regex(?)", Boolean.class, topic, pattern));
    }

    @Test
    void an_event_becomes_a_job_for_each_subscriber_in_its_own_transaction() {
        subscribe("research", "infra.*", "research.packet");
        subscribe("devops", "infra.#", "infra.repair");
        subscribe("coordinator", "plans.*", "plan.new");

        JsonNode answer = bus.ask(
                "emit_event", "topic", "infra.checked", "sourceAgent", "devops", "payload", json("host", "web-1"));

        assertEquals(2, answer.get("jobs").size());
        String job = bus.jdbc().queryForObject("select job_id from jobs where target_agent = 'research'", String.class);
        JsonNode kept = bus.ask("get_job", "jobId", job);
        assertEquals("research.packet", kept.get("subject").asText());
        assertEquals(300, kept.get("priority").asInt());
        assertEquals("devops", kept.get("sourceAgent").asText());
        assertEquals("infra.checked", kept.at("/payload/topic").asText());
        assertEquals("web-1", kept.at("/payload/event/host").asText());
        // The time of a row is that of its transaction.
        assertEquals(
                3,
                bus.count(
                        "(select created_at from jobs union all select created_at from events where topic = 'infra.checked') x"
                                + " where created_at = (select created_at from events where topic = 'infra.checked')"));
    }

    @Test
    void disabled_subscriptions_and_agents_get_nothing() {
        subscribe("research", "infra.*", "research.packet");
        subscribe("devops", "infra.*", "infra.repair");
        bus.jdbc().update("update subscriptions set enabled = false where agent_id = 'research'");
        bus.jdbc().update("update agents set enabled = false where agent_id = 'devops'");

        assertEquals(
                0, bus.ask("emit_event", "topic", "infra.checked").get("jobs").size());
        assertEquals(0, bus.count("jobs"));
    }

    @Test
    void a_refused_subscription_does_not_undo_the_event() {
        subscribe("research", "infra.*", "not.accepted");
        subscribe("devops", "infra.*", "infra.repair");

        JsonNode answer = bus.ask("emit_event", "topic", "infra.checked");

        assertEquals(1, answer.get("jobs").size());
        JsonNode refusal = bus.one("select payload from events where topic = 'agent.subscription_refused'");
        assertEquals("research", refusal.get("agentId").asText());
        assertEquals(answer.at("/event/eventId"), refusal.get("eventId"));
        assertTrue(refusal.get("reason").asText().contains("not.accepted"));
    }

    @Test
    void a_subscription_to_everything_does_not_feed_on_itself() {
        subscribe("research", "#", "research.packet");
        subscribe("devops", "job.#", "infra.check");

        String job = bus.enqueue();

        assertEquals(3, bus.count("jobs"), "the job, and one for each that hears of it");
        bus.ask("cancel_job", "jobId", job, "reason", "x", "includeChildren", false);
        assertEquals(5, bus.count("jobs"));
    }

    @Test
    void a_subscription_to_everything_that_is_refused_does_not_feed_on_itself() {
        subscribe("research", "#", "not.accepted");
        subscribe("devops", "#", "not.accepted.either");

        bus.ask("emit_event", "topic", "infra.checked");

        assertEquals(1, bus.count("events where topic = 'infra.checked'"));
        assertEquals(2, bus.count("events where topic = 'agent.subscription_refused'"));
    }

    @Test
    void a_chain_of_events_and_jobs_ends_when_it_goes_in_circles() {
        subscribe("devops", "job.dead", "infra.check");
        bus.jdbc().update("update agents set enabled = false where agent_id = 'coordinator'");
        bus.enqueue("maxAttempts", 1);
        int ran = 0;
        while (bus.count("jobs where state = 'queued'") > 0) {
            bus.jdbc().update("update jobs set max_attempts = 1");
            bus.fail(bus.claim());
            ran++;
        }

        assertEquals(3, ran);
        JsonNode refusal = bus.one("select payload from events where topic = 'agent.subscription_refused'");
        assertTrue(refusal.get("reason").asText().startsWith("the work goes in circles: devops infra.check -> "));
    }

    @Test
    void a_chain_of_events_and_jobs_ends_at_the_hop_limit() {
        subscribe("research", "job.succeeded", "research.packet");
        Attempt attempt = bus.running();
        bus.jdbc().update("update jobs set hops = 20");

        bus.complete(attempt);

        assertEquals(1, bus.count("jobs"));
        assertTrue(bus.one("select payload from events where topic = 'agent.subscription_refused'")
                .get("reason")
                .asText()
                .contains("20 handoffs"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "job.succeeded",
                "job",
                "agent.paused",
                "gateway.full",
                "audit.stuck_job",
                "standing_order",
                "standing_order.missed",
                "standing_order.silent",
                "memory.promoted"
            })
    void topics_of_the_bus_are_refused_to_others(String topic) {
        Attempt attempt = bus.running();
        assertEquals(
                "422 invalid_field events[0].topic",
                refusal(() -> bus.say(
                                attempt,
                                "complete_job",
                                "summary",
                                "done",
                                "events",
                                java.util.List.of(json("topic", topic))))
                        .brief());
        assertEquals(
                "422 invalid_field topic",
                refusal(() -> bus.ask("emit_event", "topic", topic)).brief());
    }

    @Test
    void an_agent_emits_as_itself_and_an_attempt_about_its_job() {
        assertEquals(
                "403 forbidden sourceAgent",
                refusal(() -> bus.call("emit_event", agent("devops"), json("topic", "a.b", "sourceAgent", "research")))
                        .brief());
        Attempt attempt = bus.running();

        JsonNode event = bus.call("emit_event", bus.principal(attempt), json("topic", "a.b"))
                .get("event");

        assertEquals("devops", event.get("sourceAgent").asText());
        assertEquals(attempt.job(), event.get("sourceJobId").asText());
    }

    @Test
    void events_are_listed_by_pattern_and_from_a_place_on() {
        bus.ask("emit_event", "topic", "a.b");
        JsonNode second = bus.ask("emit_event", "topic", "a.c");
        bus.ask("emit_event", "topic", "b.c");

        assertEquals(2, bus.ask("list_events", "topic", "a.*").get("events").size());
        assertEquals(
                "b.c", bus.ask("list_events", "limit", 1).at("/events/0/topic").asText());
        JsonNode after = bus.ask("list_events", "after", second.at("/event/seq").asLong());
        assertEquals(1, after.get("events").size());
    }

    @Test
    void the_list_of_events_is_read_back_page_by_page_to_its_beginning() {
        for (String topic : List.of("a.one", "a.two", "a.three")) {
            bus.ask("emit_event", "topic", topic);
        }

        JsonNode newest = bus.ask("list_events", "topic", "a.*", "limit", 2);
        JsonNode older = bus.ask(
                "list_events",
                "topic",
                "a.*",
                "limit",
                2,
                "before",
                newest.get("older").asLong());

        assertEquals("a.two", newest.at("/events/0/topic").asText());
        assertEquals("a.three", newest.at("/events/1/topic").asText());
        assertEquals("a.one", older.at("/events/0/topic").asText());
        assertEquals(1, older.get("events").size());
        assertFalse(older.has("older"), "there are no older ones");
    }

    @Test
    void a_reader_that_goes_on_from_the_last_seq_misses_no_event_of_a_transaction_that_commits_later()
            throws Exception {
        bus.ask("emit_event", "topic", "a.first");
        DataSource source = bus.jdbc().getDataSource();
        try (Connection slow = source.getConnection();
                Connection unrelated = source.getConnection()) {
            slow.setAutoCommit(false);
            unrelated.setAutoCommit(false);
            execute(unrelated, "update agents set updated_at = now()");
            execute(
                    slow,
                    "select emit_event('{\"kind\": \"operator\", \"name\": \"test\"}', '{\"topic\": \"a.slow\"}')");
            bus.ask("emit_event", "topic", "a.later");

            JsonNode during = bus.ask("list_events", "after", 0);
            JsonNode newest = bus.ask("list_events");

            assertEquals("[a.first]", topics(during));
            assertTrue(during.get("heldBack").asBoolean());
            assertEquals("[a.first]", topics(newest), "a reader may begin with the newest");
            slow.commit();

            long last = during.at("/events/0/seq").asLong();
            JsonNode after = bus.ask("list_events", "after", last);
            assertEquals("[a.slow, a.later]", topics(after), "the unrelated transaction holds nothing back");
            assertFalse(after.has("heldBack"));
            unrelated.rollback();
        }
    }

    @Test
    void readers_see_every_event_of_writers_that_commit_in_any_order() throws Exception {
        AtomicInteger writing = new AtomicInteger(4);
        List<Integer> seen = Race.won(5, i -> () -> {
            if (i > 0) {
                try {
                    for (int n = 0; n < 40; n++) {
                        bus.jdbc()
                                .queryForList("select emit_event('{\"kind\": \"operator\", \"name\": \"test\"}',"
                                        + " '{\"topic\": \"a.b\"}'), pg_sleep(random() * 0.004)");
                    }
                } finally {
                    // The reader waits for this, also when a writer has failed.
                    writing.decrementAndGet();
                }
                return 0;
            }
            int found = 0;
            long after = 0;
            boolean last;
            do {
                last = writing.get() == 0;
                JsonNode page = bus.ask("list_events", "after", after, "limit", 500);
                found += page.get("events").size();
                after = page.get("events").isEmpty()
                        ? after
                        : page.at("/events/" + (page.get("events").size() - 1) + "/seq")
                                .asLong();
            } while (!last);
            return found;
        });

        assertEquals(160, seen.get(0));
    }

    @Test
    void an_event_with_a_known_key_and_another_payload_says_so() {
        bus.ask("emit_event", "topic", "a.b", "dedupeKey", "k", "payload", json("n", 1));

        JsonNode same = bus.ask("emit_event", "topic", "a.b", "dedupeKey", "k", "payload", json("n", 1.0));
        JsonNode other = bus.ask("emit_event", "topic", "a.b", "dedupeKey", "k", "payload", json("n", 2));

        assertEquals("[]", same.get("differs").toString());
        assertEquals("[\"payload\"]", other.get("differs").toString());
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static String topics(JsonNode list) {
        return list.get("events").findValuesAsText("topic").toString();
    }
}
