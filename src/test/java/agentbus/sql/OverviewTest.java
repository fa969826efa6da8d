package agentbus.sql;

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

/** Depths, ages and status of the lanes, and how many jobs ended when. */
@ExtendWith(PostgresExtension.class)
class OverviewTest {
    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
    }

    private JsonNode lane(String agent) {
        return row(bus.ask("overview").get("agents"), agent);
    }

    private static JsonNode row(JsonNode agents, String agent) {
        for (JsonNode row : agents) {
            if (row.get("agentId").asText().equals(agent)) {
                return row;
            }
        }
        throw new AssertionError(agents.toString());
    }

    @Test
    void a_lane_shows_its_depths_its_room_and_the_age_of_its_oldest_due_job() {
        bus.running();
        bus.dead();
        bus.block(bus.running(), "person", "anna");
        String old = bus.enqueue("priority", 900);
        bus.enqueue("priority", 1);
        bus.enqueue("delaySeconds", 600, "priority", 50);
        bus.enqueue("dependsOn", List.of(old));
        bus.jdbc()
                .update(
                        "update jobs set run_after = now() - interval '90 seconds' where state = 'queued' and priority = 1");

        JsonNode lane = lane("devops");

        assertEquals(3, lane.get("queued").asInt());
        assertEquals(1, lane.get("waiting").asInt());
        assertEquals(1, lane.get("blocked").asInt());
        assertEquals(1, lane.get("dead").asInt());
        assertEquals(1, lane.get("live").asInt());
        assertEquals(5, lane.get("capacity").asInt());
        assertTrue(lane.get("oldestQueuedSeconds").asInt() >= 90, lane::toString);
        assertTrue(lane.get("open").asBoolean());
        assertFalse(lane.has("capped"));
        assertFalse(lane("research").has("oldestQueuedSeconds"));
    }

    @Test
    void the_status_of_an_agent_comes_from_a_row_that_it_names() {
        JsonNode fresh = lane("devops");
        assertEquals("idle", fresh.get("status").asText());
        assertEquals("agent devops", fresh.get("statusFrom").asText());
        assertTrue(fresh.has("statusSince"), fresh::toString);

        Attempt attempt = bus.running();
        JsonNode working = lane("devops");
        assertEquals("working", working.get("status").asText());
        assertEquals("attempt " + attempt.id(), working.get("statusFrom").asText());

        bus.complete(attempt);
        JsonNode idle = row(bus.ask("list_agents").get("agents"), "devops");
        assertEquals("idle", idle.get("status").asText());
        assertEquals("attempt " + attempt.id(), idle.get("statusFrom").asText());
        assertEquals(attempt.job(), idle.get("lastEndedJobId").asText());

        String due = bus.enqueue();
        JsonNode waiting = lane("devops");
        assertEquals("waiting", waiting.get("status").asText());
        assertEquals("job " + due, waiting.get("statusFrom").asText());
        assertEquals("the next claim", waiting.get("waitsFor").asText());

        bus.ask("pause_agent", "agentId", "devops", "reason", "maintenance");
        JsonNode paused = lane("devops");
        assertEquals("paused", paused.get("status").asText());
        assertEquals("maintenance", paused.get("stopped").asText());
        assertEquals("anna", paused.get("stoppedBy").asText());
        assertFalse(paused.get("open").asBoolean());

        bus.jdbc().update("update agents set refusal_cause = 'gateway answered 404' where agent_id = 'devops'");
        assertEquals("stopped", lane("devops").get("status").asText());

        bus.jdbc().update("update agents set enabled = false where agent_id = 'devops'");
        assertEquals("disabled", lane("devops").get("status").asText());
    }

    @Test
    void a_pause_of_everything_is_the_status_of_every_agent() {
        bus.running();
        bus.ask("pause", "kind", "everything", "reason", "fire drill");

        JsonNode overview = bus.ask("overview");

        JsonNode lane = row(overview.get("agents"), "research");
        assertEquals("paused", lane.get("status").asText());
        assertTrue(lane.get("statusFrom").asText().startsWith("pause "), lane::toString);
        assertFalse(lane.get("open").asBoolean());
        assertEquals("operator:anna", lane.get("stoppedBy").asText());
        assertEquals("everything", overview.at("/pauses/0/kind").asText());
        assertEquals(1, row(overview.get("agents"), "devops").get("live").asInt());
    }

    @Test
    void one_agent_is_shown_with_its_rights_its_jobs_and_its_refused_calls() {
        String job = bus.dead();
        bus.enqueue("targetAgent", "research", "subject", "research.packet");
        bus.ask("issue_agent_token", "agentId", "devops", "tokenHash", "ab".repeat(32));
        bus.one(
                "select note_refusal(?::jsonb, 'enqueueJob', ?::jsonb)",
                Machine.agent("devops").toString(),
                Machine.json("code", "forbidden", "detail", "not allowed").toString());
        bus.ask("pause", "kind", "agent", "name", "devops", "reason", "maintenance");

        JsonNode agent = bus.ask("get_agent", "agentId", "devops");

        assertEquals("paused", agent.get("status").asText());
        assertEquals("infra.check", agent.at("/accepts/0").asText());
        assertEquals(1, agent.get("jobs").size());
        assertEquals(job, agent.at("/jobs/0/jobId").asText());
        assertEquals(1, agent.get("tokens").size());
        assertFalse(agent.toString().contains("abab"), agent::toString);
        assertEquals("maintenance", agent.at("/pauses/0/reason").asText());
        assertEquals("enqueueJob", agent.at("/refusals/0/operation").asText());
        assertEquals("not allowed", agent.at("/refusals/0/detail").asText());
        assertEquals(
                "404 unknown_agent agentId",
                Machine.refusal(() -> bus.ask("get_agent", "agentId", "nobody")).brief());
    }

    @Test
    void the_filters_are_completed_with_what_the_newest_jobs_have() {
        bus.enqueue("flowKey", "release-1");
        bus.enqueue("flowKey", "release-2", "subject", "infra.repair");
        bus.enqueue("jobType", "dev.fix");

        JsonNode facets = bus.ask("list_facets");

        assertEquals("infra.check", facets.at("/subjects/0/subject").asText());
        assertEquals(2, facets.at("/subjects/0/jobs").asInt());
        assertEquals("release-2", facets.at("/flows/0/flowKey").asText());
        assertEquals(3, facets.get("agents").size());
        assertTrue(facets.get("jobTypes").toString().contains("dev.fix"));
        assertEquals(9, facets.get("states").size());
        assertEquals(3, facets.get("lookedAt").asInt());
    }

    @Test
    void refused_calls_of_the_last_day_are_counted_for_each_agent() {
        bus.one(
                "select note_refusal(?::jsonb, 'enqueueJob', ?::jsonb)",
                Machine.agent("devops").toString(),
                Machine.json("code", "forbidden", "detail", "no", "count", 3).toString());

        assertEquals(
                3,
                row(bus.ask("list_agents").get("agents"), "devops")
                        .get("refusals24h")
                        .asInt());
        assertEquals(
                0,
                row(bus.ask("list_agents").get("agents"), "research")
                        .get("refusals24h")
                        .asInt());
    }

    @Test
    void ends_of_jobs_are_counted_once_whether_they_have_been_measured_or_not() {
        bus.complete(bus.running());
        bus.dead();
        String old = bus.dead();
        ended(old, "90 minutes");
        assertEquals("1 0 2 0", totals(24));
        assertEquals("1 0 1 0", totals(1));

        count();
        bus.complete(bus.running());

        assertEquals("2 0 2 0", totals(24));
        assertEquals(1, bus.count("job_ends where dead = 1"), "recent ends are not counted for good");
        JsonNode overview = bus.ask("overview", "hours", 4);
        assertEquals(48, overview.get("series").size());
        assertEquals(300, overview.get("stepSeconds").asInt());
        assertEquals(
                1,
                overview.at("/series/29/dead").asInt()
                        + overview.at("/series/30/dead").asInt());
        assertEquals(2, overview.at("/series/47/succeeded").asInt());
    }

    @Test
    void an_end_that_was_committed_late_is_counted_by_the_next_measurement() {
        String job = bus.dead();
        ended(job, "150 seconds");
        count();
        String late = bus.dead();
        ended(late, "100 seconds");

        count();

        assertEquals("0 0 2 0", totals(1));
        assertEquals(2, bus.jdbc().queryForObject("select sum(dead) from job_ends", Integer.class));
        bus.ask("redrive_job", "jobId", late, "reason", "again");
        count();
        assertEquals("0 0 2 0", totals(1), "it has ended all the same");
    }

    @Test
    void the_first_count_of_a_database_that_was_there_before_reaches_back_a_week() {
        ended(bus.dead(), "7 days 12 hours");
        ended(bus.dead(), "9 days");

        count();

        assertEquals(1, bus.jdbc().queryForObject("select sum(dead) from job_ends", Integer.class));
        bus.jdbc().update("update job_ends set at = at - interval '1 day'");
        count();
        assertEquals(0, bus.count("job_ends"), "older numbers are deleted");
    }

    private void ended(String job, String ago) {
        bus.jdbc().update("update jobs set ended_at = now() - ?::interval where job_id = ?::uuid", ago, job);
    }

    /** Counts as the route does a quarter of a minute later. */
    private void count() {
        bus.jdbc()
                .update(
                        "update bus_facts set value = value::timestamptz - interval '15 seconds' where name = 'job_ends_counted'");
        bus.jdbc().queryForList("select count_job_ends()");
    }

    private String totals(int hours) {
        JsonNode totals = bus.ask("overview", "hours", hours).get("totals");
        return totals.get("succeeded") + " " + totals.get("failed") + " " + totals.get("dead") + " "
                + totals.get("cancelled");
    }

    @Test
    void gateways_dispatchers_and_their_wakes_are_shown() {
        bus.one(
                "select dispatcher_heartbeat('d', ?::jsonb)",
                Machine.json(
                                "host",
                                "h",
                                "pid",
                                1,
                                "version",
                                "1",
                                "wakeSource",
                                "listen",
                                "listenerConnected",
                                true,
                                "beatSeconds",
                                2,
                                "leaseMs",
                                60_000,
                                "attempts",
                                List.of())
                        .toString());

        JsonNode overview = bus.ask("overview");

        assertEquals("default", overview.at("/gateways/0/name").asText());
        assertEquals("d", overview.at("/dispatchers/0/dispatcherId").asText());
        assertEquals("listen", overview.at("/wakes/source").asText());
        assertTrue(overview.at("/wakes/listenerConnected").asBoolean());
    }
}
