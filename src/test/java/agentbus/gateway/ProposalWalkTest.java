package agentbus.gateway;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.jdbc.core.JdbcTemplate;

/** The proactive lane on a real gateway: from the orders of two scouts to what came of it, told to people. */
@Tag("real-gateway")
@ExtendWith(PostgresExtension.class)
class ProposalWalkTest {
    private static final String BY_CURL = "Compare the three parcel carriers again";
    private static final String BY_MCP = "Split retention by the first product bought";
    private static final String IDEA_BY_CURL = "Watch the draft of the new invoice format";
    private static final String IDEA_BY_MCP = "Stop the test of the green button";

    @TempDir
    Path home;

    private RealFleet fleet;
    private JdbcTemplate jdbc;

    @Test
    void what_two_scouts_propose_is_triaged_converted_done_and_told(TestDatabase database) throws Exception {
        Instant begun = Instant.now();
        jdbc = database.jdbc();
        try (RealFleet real = new RealFleet(
                database, home, "proposals", this::move, "agentbus.phase", "3", "agentbus.orders.enabled", "true")) {
            fleet = real;
            // No slot of a schedule may come in between.
            jdbc.update("update standing_orders set planned_until = now() + interval '1 day'");
            jdbc.update("delete from standing_order_runs where status = 'expected'");
            walk();
        }
        RealFleet.say(
                "two proposals went from their scouts to the digest in %d ms",
                Duration.between(begun, Instant.now()).toMillis());
    }

    private void walk() throws Exception {
        run("research-external-opportunities");
        run("metrics-growth-opportunities");
        assertEquals(
                List.of(IDEA_BY_CURL, IDEA_BY_MCP),
                jdbc.queryForList("select title from ideas order by title desc", String.class));
        assertEquals(
                List.of(BY_MCP, BY_CURL),
                jdbc.queryForList("select title from opportunities order by title desc", String.class));

        run("tracker-opportunity-triage");
        assertEquals("triaged", status(BY_CURL));
        assertEquals("triaged", status(BY_MCP));

        run("coord-opportunity-ranking");
        JsonNode converted = opportunity(BY_MCP);
        assertEquals("converted_to_job", converted.path("status").asText());
        fleet.awaitState(UUID.fromString(converted.path("convertedJobId").asText()), "succeeded");
        JsonNode cameOf = opportunity(BY_MCP).path("cameOf");
        assertEquals("succeeded", cameOf.path("state").asText(), cameOf::toString);
        assertEquals("The curve is drawn.", cameOf.path("summary").asText());

        UUID digest = run("publisher-opportunity-digest");
        Told told = fleet.model().told().stream()
                .filter(one -> one.jobId().equals(digest))
                .findFirst()
                .orElseThrow();
        assertTrue(told.prompt().contains(BY_CURL), told::prompt);
        assertTrue(told.prompt().contains("The curve is drawn"), told::prompt);
        JsonNode report = fleet.call("GET", "/v1/reports?kind=ideas_digest", null)
                .path("reports")
                .path(0);
        assertEquals(digest.toString(), report.path("jobId").asText());
        RealFleet.say(
                "the digest:\n%s",
                fleet.call("GET", "/v1/reports/" + report.path("reportId").asText(), null)
                        .path("markdown")
                        .asText());
    }

    /** Runs a standing order now, and waits until its job has succeeded. */
    private UUID run(String order) throws Exception {
        fleet.call("POST", "/v1/standing-orders/" + order + "/run", "{\"reason\": \"walk\", \"force\": true}");
        UUID job = jdbc.queryForObject(
                "select job_id from standing_order_runs where order_name = ? and trigger_source = 'manual'",
                UUID.class,
                order);
        fleet.awaitState(job, "succeeded");
        return job;
    }

    private String id(String title) {
        return jdbc.queryForObject(
                "select opportunity_id::text from opportunities where title = ?", String.class, title);
    }

    private JsonNode opportunity(String title) throws Exception {
        return fleet.call("GET", "/v1/opportunities/" + id(title), null);
    }

    private String status(String title) throws Exception {
        return opportunity(title).path("status").asText();
    }

    /** The model's moves: each agent does what its order asks, by the commands of its prompt or by the bus's tools. */
    private Move move(Told told) {
        boolean proposed = jdbc.queryForObject("select count(*) from opportunities", Integer.class) == 2;
        if (!proposed && !told.subject().endsWith("-opportunities")) {
            // A slot of the schedule, which comes before there is anything to decide.
            return Move.complete();
        }
        return switch (told.subject()) {
            case "standing_order.research-external-opportunities" ->
                new Move.Work(
                        told.proposal("idea", idea(IDEA_BY_CURL).toString()),
                        new Move.Call("agentbus__propose", proposal(BY_MCP), Move.complete()));
            case "standing_order.metrics-growth-opportunities" ->
                new Move.Call(
                        "agentbus__propose",
                        idea(IDEA_BY_MCP),
                        new Move.Work(
                                told.proposal("opportunity", proposal(BY_CURL).toString()), Move.complete()));
            case "standing_order.tracker-opportunity-triage" ->
                new Move.Work(triage(told, BY_CURL), new Move.Work(triage(told, BY_MCP), Move.complete()));
            case "standing_order.coord-opportunity-ranking" ->
                new Move.Work(
                        told.post(
                                "/v1/opportunities/" + id(BY_MCP) + "/convert",
                                Json.object()
                                        .put("subject", "metrics.analyze")
                                        .put("notes", "The numbers are there already.")
                                        .toString()),
                        Move.complete());
            case "metrics.analyze" -> new Move.Curl("complete", "{\"summary\": \"The curve is drawn.\"}");
            default -> Move.complete();
        };
    }

    private String triage(Told told, String title) {
        return told.post(
                "/v1/opportunities/" + id(title) + "/triage",
                Json.object()
                        .put("decision", "triaged")
                        .put("notes", "No project works on it.")
                        .toString());
    }

    private static ObjectNode idea(String title) {
        return Json.object()
                .put("kind", "idea")
                .put("theme", title.substring(0, 5))
                .put("title", title)
                .put("body", "It is the scout's own thought about: " + title + ".");
    }

    private static ObjectNode proposal(String title) {
        ObjectNode opportunity = Json.object()
                .put("kind", "opportunity")
                .put("theme", title.substring(0, 7))
                .put("title", title)
                .put("whyNow", "The numbers of this month show it: " + title + ".")
                .put("ifNothing", "Next month's numbers show it, too.")
                .put("impactScore", 4)
                .put("confidenceScore", 4)
                .put("urgencyScore", 3)
                .put("reversibility", "high")
                .put("ownerCandidate", "product-metrics")
                .put("suggestedNextStep", "Draw the curve.");
        opportunity
                .putArray("evidence")
                .addObject()
                .put("kind", "url")
                .put("url", "https://example.org/numbers")
                .put("lookedAt", Instant.now().minusSeconds(60).toString());
        return opportunity;
    }
}
