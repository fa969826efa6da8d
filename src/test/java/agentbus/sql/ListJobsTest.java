package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A list of jobs narrows by each field of the filter, and a search that stops early goes on where it stopped. */
@ExtendWith(PostgresExtension.class)
class ListJobsTest {
    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
    }

    private List<String> ids(Object... input) {
        JsonNode page = bus.ask("list_jobs", input);
        return StreamSupport.stream(page.get("jobs").spliterator(), false)
                .map(job -> job.get("jobId").asText())
                .toList();
    }

    @Test
    void each_field_narrows_the_list() {
        String dead = bus.dead();
        String dev = bus.enqueue("jobType", "dev.fix", "trust", "untrusted", "payload", Machine.json("host", "web-17"));
        String later = bus.enqueue("delaySeconds", 60, "correlationKey", "ticket-1");
        bus.jdbc().update("update jobs set created_at = now() - interval '2 hours' where job_id = ?::uuid", dead);
        String hourAgo = bus.jdbc().queryForObject("select utc_text(now() - interval '1 hour')", String.class);

        assertEquals(List.of(later, dev, dead), ids());
        assertEquals(List.of(later, dev, dead), ids("state", "queued,dead"));
        assertEquals(List.of(dead), ids("state", "dead"));
        assertEquals(List.of(dev), ids("jobType", "dev.fix"));
        assertEquals(List.of(dev), ids("trust", "untrusted"));
        assertEquals(List.of(dev), ids("text", "WEB-17"));
        assertEquals(List.of(dead), ids("text", "it broke"));
        assertEquals(List.of(later), ids("correlationKey", "ticket-1"));
        assertEquals(List.of(dead), ids("until", hourAgo));
        assertEquals(List.of(later, dev), ids("since", hourAgo));
        assertEquals(
                "422 invalid_field state",
                Machine.refusal(() -> bus.ask("list_jobs", "state", "queued,asleep"))
                        .brief());
    }

    @Test
    void a_search_that_stops_early_says_how_far_it_came_and_the_next_page_goes_on() {
        String wanted = bus.enqueue("payload", Machine.json("host", "web-17"));
        bus.jdbc().execute("alter table jobs disable trigger user");
        bus.jdbc()
                .update(
                        "insert into jobs (namespace, target_agent, job_type, subject, state, ended_at, timeout_seconds,"
                                + " hard_timeout_seconds, payload_bytes) select 'default', 'devops', 'reactive',"
                                + " 'infra.check', 'succeeded', now(), 1, 1, 2 from generate_series(1, 6000)");
        bus.jdbc().execute("alter table jobs enable trigger user");

        JsonNode first = bus.ask("list_jobs", "text", "web-17");

        assertEquals(0, first.get("jobs").size());
        assertTrue(first.has("searchedTo"), first::toString);
        JsonNode second = bus.ask(
                "list_jobs", "text", "web-17", "before", first.get("next").asLong());
        assertEquals(wanted, second.at("/jobs/0/jobId").asText());
        assertFalse(second.has("searchedTo"), second::toString);
        assertFalse(second.has("next"), second::toString);
    }
}
