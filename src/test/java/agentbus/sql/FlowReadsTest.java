package agentbus.sql;

import static agentbus.sql.Machine.refusal;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The jobs of a flow and their relations, by the flow's key or from one job. */
@ExtendWith(PostgresExtension.class)
class FlowReadsTest {
    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        bus.jdbc().execute("truncate jobs_history, job_attempts_history, job_dependencies_history");
    }

    private JsonNode flow(Object... input) {
        return bus.ask("get_flow", input);
    }

    private static List<String> jobs(JsonNode flow) {
        return flow.get("nodes").findValuesAsText("jobId");
    }

    private static Set<String> edges(JsonNode flow) {
        Set<String> edges = new HashSet<>();
        flow.get("edges")
                .forEach(edge -> edges.add(edge.get("kind").asText() + " "
                        + edge.get("from").asText() + " " + edge.get("to").asText()));
        return edges;
    }

    private void retire() {
        bus.jdbc().execute("alter table jobs disable trigger user");
        bus.jdbc().update("update jobs set ended_at = now() - interval '31 days' where ended_at is not null");
        bus.jdbc().execute("alter table jobs enable trigger user");
        bus.one("select retire_finished_work(30, 1000, '{\"part\": \"jobs\"}')");
    }

    /** Children of a job, written by hand. */
    private void children(String parent, int count) {
        bus.jdbc()
                .update(
                        """
                        insert into jobs (namespace, target_agent, job_type, subject, state, timeout_seconds,
                          hard_timeout_seconds, parent_job_id, flow_key)
                        select namespace, 'research', 'reactive', 'research.packet', 'queued', 1, 1, job_id, flow_key
                        from jobs, generate_series(1, ?) where job_id = ?::uuid""",
                        count,
                        parent);
    }

    @Test
    void a_flow_has_its_jobs_oldest_first_and_their_relations() {
        String root = bus.enqueue("flowKey", "release 4.2");
        String child = bus.enqueue("parentJobId", root);
        String last = bus.enqueue("parentJobId", root, "dependsOn", List.of(child));
        bus.enqueue("flowKey", "another");

        JsonNode flow = flow("flowKey", "release 4.2");

        assertEquals(List.of(root, child, last), jobs(flow));
        assertEquals(
                Set.of("child " + root + " " + child, "child " + root + " " + last, "dependency " + child + " " + last),
                edges(flow));
        assertFalse(flow.get("more").asBoolean());
        assertEquals("1 open dependency", flow.at("/nodes/2/nextMove").asText());
        assertEquals("release 4.2", flow.get("flowKey").asText());
        assertEquals(List.of(root, child, last), jobs(flow("jobId", last)), "from one of its jobs");
        assertFalse(flow.toString().contains("payload"));
    }

    @Test
    void a_job_without_a_flow_is_shown_with_all_that_are_connected_with_it() {
        String grandparent = bus.enqueue();
        String parent = bus.enqueue("parentJobId", grandparent);
        String job = bus.enqueue("parentJobId", parent);
        String needed = bus.enqueue();
        String waiting = bus.enqueue("dependsOn", List.of(job, needed));
        String stranger = bus.enqueue();

        for (String from : List.of(grandparent, job, needed, waiting)) {
            JsonNode flow = flow("jobId", from);
            assertEquals(List.of(grandparent, parent, job, needed, waiting), jobs(flow));
            assertEquals(4, flow.get("edges").size());
            assertFalse(flow.has("flowKey"));
        }
        assertEquals(List.of(stranger), jobs(flow("jobId", stranger)));
    }

    @Test
    void a_blocked_job_shows_the_job_on_which_it_is_blocked() {
        Attempt attempt = bus.running();
        String other = bus.enqueue("targetAgent", "research", "subject", "research.packet");
        bus.block(attempt, "jobId", other);

        JsonNode flow = flow("jobId", other);

        assertEquals(List.of(attempt.job(), other), jobs(flow));
        assertEquals(Set.of("block " + other + " " + attempt.job()), edges(flow));
        assertEquals("no credentials", flow.at("/nodes/0/blockedReason").asText());
    }

    @Test
    void jobs_in_history_stay_in_their_flow() {
        Attempt first = bus.running("flowKey", "f");
        bus.complete(first);
        String second = bus.enqueue("parentJobId", first.job(), "dependsOn", List.of(first.job()));
        Attempt third = Attempt.of(bus.claim(Machine.D1, 1).get(0));
        assertEquals(second, third.job());
        bus.complete(third);
        String open = bus.enqueue("flowKey", "f", "targetAgent", "research", "subject", "research.packet");
        retire();
        assertEquals(1, bus.count("jobs"));

        for (JsonNode flow : List.of(flow("flowKey", "f"), flow("jobId", second))) {
            assertEquals(List.of(first.job(), second, open), jobs(flow));
            assertTrue(flow.at("/nodes/0/retired").asBoolean());
            assertEquals("done", flow.at("/nodes/0/summary").asText());
            assertFalse(flow.at("/nodes/2").has("retired"));
            assertEquals(2, flow.get("edges").size());
        }
        bus.jdbc().execute("alter table jobs_history disable trigger user");
        bus.jdbc().update("update jobs_history set flow_key = null");
        bus.jdbc().execute("alter table jobs_history enable trigger user");
        assertEquals(List.of(first.job(), second), jobs(flow("jobId", second)));
        assertEquals(List.of(first.job(), second), jobs(flow("jobId", first.job())));
    }

    @Test
    void a_wide_parent_is_cut_and_the_job_that_was_asked_for_is_among_the_nearest() {
        String root = bus.enqueue();
        children(root, 10_000);
        String child = bus.jdbc()
                .queryForObject(
                        "select job_id::text from jobs where parent_job_id is not null order by seq desc limit 1",
                        String.class);
        String below = bus.enqueue("parentJobId", child);

        JsonNode flow = flow("jobId", child);

        assertTrue(flow.get("more").asBoolean());
        assertEquals(500, flow.get("nodes").size());
        assertEquals(500, new HashSet<>(jobs(flow)).size());
        assertTrue(jobs(flow).containsAll(List.of(root, child, below)));
        assertEquals(499, flow.get("edges").size());
        assertTrue(flow.toString().length() < 512 * 1024, () -> flow.toString().length() + " characters");
    }

    @Test
    void of_a_large_flow_the_oldest_jobs_are_shown_or_those_nearest_to_a_job() {
        String root = bus.enqueue("flowKey", "wide");
        children(root, 600);
        List<String> all =
                new ArrayList<>(bus.jdbc().queryForList("select job_id::text from jobs order by seq", String.class));
        String newest = bus.enqueue("parentJobId", all.get(600));

        JsonNode oldest = flow("flowKey", "wide");
        JsonNode nearest = flow("jobId", newest);

        assertEquals(all.subList(0, 500), jobs(oldest));
        assertTrue(oldest.get("more").asBoolean() && nearest.get("more").asBoolean());
        assertEquals(500, nearest.get("nodes").size());
        assertTrue(jobs(nearest).containsAll(List.of(newest, all.get(600), root)));
        assertEquals("wide", nearest.get("flowKey").asText());
    }

    @Test
    void a_flow_or_job_that_is_not_there_is_refused() {
        String job = bus.enqueue("flowKey", "f");
        bus.jdbc().update("insert into namespaces values ('other') on conflict do nothing");

        Refusal unknown = refusal(() -> flow("flowKey", "g"));
        assertEquals("404 unknown_flow flowKey", unknown.brief());
        assertEquals("no job in namespace default has the flow key g", unknown.message());
        assertEquals(
                "404 unknown_flow flowKey",
                refusal(() -> flow("namespace", "other", "flowKey", "f")).brief());
        assertEquals(
                "404 unknown_job jobId",
                refusal(() -> flow("namespace", "other", "jobId", job)).brief());
        assertEquals("422 invalid_field flowKey", refusal(() -> flow()).brief());
        assertEquals(
                "422 invalid_field flowKey",
                refusal(() -> flow("flowKey", "f", "jobId", job)).brief());
    }
}
