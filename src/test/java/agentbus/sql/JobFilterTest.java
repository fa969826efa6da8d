package agentbus.sql;

import static agentbus.sql.Machine.json;
import static agentbus.sql.Machine.refusal;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The filter of lists, previews and bulk actions. */
@ExtendWith(PostgresExtension.class)
class JobFilterTest {
    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
    }

    private JsonNode page(JsonNode filter, int limit, String more) {
        return bus.one(
                "select to_jsonb(p) from job_page('default', job_filter(?::jsonb), ?" + more + ") p",
                filter.toString(),
                limit);
    }

    /** The ids of the matching jobs, newest first. */
    private List<String> jobs(Object... filter) {
        List<String> ids = new ArrayList<>();
        page(json(filter), 500, "").get("o_jobs").forEach(id -> ids.add(id.asText()));
        return ids;
    }

    @Test
    void each_field_narrows_the_jobs() {
        String plain = bus.enqueue("delaySeconds", 60);
        String flow = bus.enqueue("flowKey", "release-42", "delaySeconds", 60);
        String correlated = bus.enqueue("correlationKey", "ticket-7", "delaySeconds", 60);
        String child = bus.enqueue("parentJobId", plain, "delaySeconds", 60);
        String dev = bus.enqueue("jobType", "dev.review", "delaySeconds", 60);
        String foreign = bus.enqueue("trust", "untrusted", "delaySeconds", 60);
        String research = bus.ask(
                        "enqueue_job", "targetAgent", "research", "subject", "research.packet", "delaySeconds", 60)
                .at("/job/jobId")
                .asText();
        String dead = bus.dead();

        assertEquals(List.of(dead, research, foreign, dev, child, correlated, flow, plain), jobs());
        assertEquals(List.of(flow), jobs("flowKey", "release-42"));
        assertEquals(List.of(correlated), jobs("correlationKey", "ticket-7"));
        assertEquals(List.of(child), jobs("parentJobId", plain));
        assertEquals(List.of(dev), jobs("jobType", "dev.review"));
        assertEquals(List.of(foreign), jobs("trust", "untrusted"));
        assertEquals(List.of(research), jobs("targetAgent", "research"));
        assertEquals(List.of(research), jobs("subject", "research.packet"));
        assertEquals(List.of(dead), jobs("state", "dead"));
        assertEquals(List.of(), jobs("state", "dead", "targetAgent", "research"));
        assertEquals(List.of(dead, research), jobs("state", "dead,queued").subList(0, 2));
        assertEquals(List.of(dead), jobs("state", List.of("dead", "cancelled")));
    }

    @Test
    void every_state_is_found_alone_and_together_with_others() {
        Attempt running = bus.running();
        Attempt leased = bus.leased();
        Attempt done = bus.running();
        bus.complete(done);
        Attempt failed = bus.running();
        bus.fail(failed, "retry", false);
        Attempt blocked = bus.running();
        bus.block(blocked, "at", "2100-01-01T00:00:00Z");
        String dead = bus.dead();
        String waiting = bus.enqueue("dependsOn", List.of(running.job()));
        String queued = bus.enqueue("delaySeconds", 60);
        String cancelled = bus.enqueue("delaySeconds", 60);
        bus.ask("cancel_job", "jobId", cancelled, "reason", "x");

        assertEquals(List.of(running.job()), jobs("state", "running"));
        assertEquals(List.of(leased.job()), jobs("state", "leased"));
        assertEquals(List.of(done.job()), jobs("state", "succeeded"));
        assertEquals(List.of(failed.job()), jobs("state", "failed"));
        assertEquals(List.of(blocked.job()), jobs("state", "blocked"));
        assertEquals(List.of(dead), jobs("state", "dead"));
        assertEquals(List.of(waiting), jobs("state", "waiting"));
        assertEquals(List.of(queued), jobs("state", "queued"));
        assertEquals(List.of(cancelled), jobs("state", "cancelled"));
        List<String> all =
                List.of(running.job(), leased.job(), failed.job(), blocked.job(), dead, waiting, queued, cancelled);
        assertEquals(reversed(all), jobs("state", "waiting,queued,leased,running,blocked,failed,dead,cancelled"));
        assertEquals(
                9,
                jobs("state", "waiting,queued,leased,running,succeeded,blocked,failed,dead,cancelled")
                        .size());
    }

    @Test
    void words_are_searched_in_texts_and_payload_whatever_their_case() {
        String packet = bus.enqueue("payload", json("host", "Web-1", "note", "50% of _all_"));
        bus.enqueue("payload", json("host", "web-2"));

        assertEquals(List.of(packet), jobs("text", "WEB-1"));
        assertEquals(List.of(packet), jobs("text", "infra web-1 note"));
        assertEquals(List.of(packet), jobs("text", "50%"));
        assertEquals(List.of(packet), jobs("text", "_all_"));
        assertEquals(List.of(), jobs("text", "web_1"));
        // The end of an id, as lists of the console show it.
        assertEquals(List.of(packet), jobs("text", packet.substring(packet.length() - 8)));
        assertEquals(List.of(), jobs("text", "web-1 nowhere"));
    }

    @Test
    void a_window_of_time_narrows_by_arrival() {
        String old = bus.enqueue();
        bus.jdbc().update("update jobs set created_at = '2026-01-01T12:00:00Z'");
        String recent = bus.enqueue();

        assertEquals(List.of(recent), jobs("since", "2026-01-02T00:00:00Z"));
        assertEquals(List.of(old), jobs("until", "2026-01-02T00:00:00Z"));
        assertEquals(List.of(old), jobs("since", "2026-01-01T12:00:00Z", "until", "2026-01-01T12:00:01Z"));
        assertEquals(List.of(), jobs("since", "2026-01-01T12:00:01Z", "until", "2026-01-02T00:00:00Z"));
    }

    @Test
    void the_window_leaves_out_jobs_far_before_and_after_the_times() {
        bus.jdbc()
                .update(
                        """
                        insert into jobs (namespace, target_agent, job_type, subject, state, timeout_seconds,
                          hard_timeout_seconds, created_at)
                        select 'default', 'devops', 'reactive', 'infra.check', 'queued', 600, 600,
                          '2026-01-01T00:00:00Z'::timestamptz + n * interval '1 hour'
                        from generate_series(0, 99) n""");
        JsonNode window = bus.one(
                "select to_jsonb(w) from job_window('default', job_filter(?::jsonb)) w",
                json("since", "2026-01-02T00:00:00Z", "until", "2026-01-03T00:00:00Z")
                        .toString());
        long first = bus.jdbc().queryForObject("select min(seq) from jobs", Long.class);

        assertEquals(first + 23, window.get("o_after").asLong());
        assertEquals(first + 49, window.get("o_before").asLong());
        assertEquals(
                24,
                jobs("since", "2026-01-02T00:00:00Z", "until", "2026-01-03T00:00:00Z")
                        .size());
    }

    @Test
    void pages_follow_each_other_in_both_directions() {
        List<String> all = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            all.add(bus.enqueue("delaySeconds", 60));
        }
        JsonNode newest = page(json(), 3, "");
        JsonNode next = page(json(), 3, ", p_before => " + newest.get("o_next").asLong());
        JsonNode oldest = page(json(), 3, ", p_up => true");
        JsonNode later = page(
                json(), 3, ", p_up => true, p_after => " + oldest.get("o_next").asLong());

        assertEquals(reversed(all).subList(0, 3).toString(), texts(newest).toString());
        assertEquals(reversed(all).subList(3, 5), texts(next));
        assertTrue(next.get("o_next").isNull());
        assertEquals(all.subList(0, 3), texts(oldest));
        assertEquals(all.subList(3, 5), texts(later));
        assertTrue(later.get("o_next").isNull());
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void a_search_that_finds_little_stops_and_says_how_far_it_came(boolean up) {
        String oldest = bus.enqueue("priority", 1, "delaySeconds", 60);
        for (int i = 0; i < 9; i++) {
            bus.enqueue("delaySeconds", 60);
        }
        JsonNode filter = json("subject", "infra.check", "text", up ? "nothing" : "infra.check");
        JsonNode rare = json("jobType", "dev");

        JsonNode stopped = page(rare, 3, ", p_looks => 4, p_up => " + up);

        assertEquals(List.of(), texts(stopped));
        assertEquals(10, bus.count("jobs"));
        assertEquals(
                up ? 4 : 7,
                bus.count("jobs where seq <= ?", stopped.get("o_next").asLong()));
        assertTrue(!stopped.get("o_searched_to").isNull());
        JsonNode whole = page(rare, 3, ", p_looks => 400, p_up => " + up);
        assertTrue(whole.get("o_next").isNull());
        assertTrue(whole.get("o_searched_to").isNull());
        // With a text each row counts for more.
        JsonNode text = page(filter, 10, ", p_looks => 40, p_up => " + up);
        assertEquals(up ? 0 : 4, texts(text).size());
        assertEquals(
                up ? 4 : 7, bus.count("jobs where seq <= ?", text.get("o_next").asLong()));
        assertEquals(
                oldest, bus.jdbc().queryForObject("select job_id::text from jobs order by seq limit 1", String.class));
    }

    @Test
    void jobs_of_another_namespace_do_not_match() {
        bus.jdbc().update("insert into namespaces (namespace) values ('filters') on conflict do nothing");
        bus.jdbc()
                .update(
                        "insert into agents (namespace, agent_id, accepts) values ('filters', 'devops', '{infra.check}')");
        bus.ask("enqueue_job", "namespace", "filters", "targetAgent", "devops", "subject", "infra.check");

        for (JsonNode filter : List.of(json(), json("state", "queued"), json("subject", "infra.check"))) {
            assertEquals(List.of(), texts(page(filter, 10, "")));
        }
        assertEquals(
                1,
                bus.one("select to_jsonb(p) from job_page('filters', '{\"state\": [\"queued\"]}', 10) p")
                        .get("o_jobs")
                        .size());
    }

    @Test
    void a_wrong_filter_is_refused_with_the_values_that_would_be_right() {
        Refusal state = refusal(() -> jobs("state", "dead,deaf"));
        assertEquals("422 invalid_field state", state.brief());
        assertTrue(state.message().contains("deaf"), state::message);
        assertEquals(
                "422 invalid_field since",
                refusal(() -> jobs("since", "2026-01-02T00:00:00Z", "until", "2026-01-01T00:00:00Z"))
                        .brief());
        assertNull(bus.one("select job_filter('{\"text\": \"  \", \"state\": \"\"}')")
                .get("text"));
    }

    private static List<String> texts(JsonNode page) {
        List<String> ids = new ArrayList<>();
        page.get("o_jobs").forEach(id -> ids.add(id.asText()));
        return ids;
    }

    private static List<String> reversed(List<String> ids) {
        List<String> reversed = new ArrayList<>(ids);
        Collections.reverse(reversed);
        return reversed;
    }
}
