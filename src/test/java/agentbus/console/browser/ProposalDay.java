package agentbus.console.browser;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;

/** Ideas and opportunities in every status, of which one became a job that succeeded, and the reports that tell of them. */
final class ProposalDay {
    private static final String ADDRESS = "https://example.org/advisories/1042";

    private final Operations bus;
    private final Fleet fleet;
    private final Map<String, String> names;

    /**
     * Makes the day.
     *
     * @param names gets the ids of opportunity, done, idea and report, and of hostileOpportunity and hostileIdea
     */
    ProposalDay(Operations bus, Fleet fleet, Map<String, String> names) {
        this.bus = bus;
        this.fleet = fleet;
        this.names = names;
    }

    /** Fills the database. Every queue of devops must be empty, because the converted job is done at once. */
    void fill() {
        done();
        names.put(
                "opportunity",
                opportunity(
                        "security",
                        "Rotate the key that an old log shows",
                        "secrets",
                        List.of(4, 5, 5),
                        "evidence",
                        evidence()));
        decide(
                opportunity("research", "Read the changes of the queue engine", "upgrades", List.of(3, 4, 2)),
                "triaged",
                "It is worth a decision before the next release.");
        decide(
                opportunity("product-metrics", "Count sign-ups by their source", "growth", List.of(4, 3, 3)),
                "accepted",
                "We lack this number each week.");
        decide(
                opportunity("design", "One form in place of three steps", "sign-up", List.of(3, 3, 2)),
                "parked",
                "After the release.",
                "until",
                Instant.now()
                        .plus(9, ChronoUnit.DAYS)
                        .truncatedTo(ChronoUnit.SECONDS)
                        .toString());
        decide(
                opportunity("knowledge", "Translate every note into Latin", "notes", List.of(1, 1, 1)),
                "rejected",
                "Nobody of us reads it.");
        String twin = opportunity("auditor", "Say in each review who owns the host", "reviews", List.of(2, 4, 1));
        bus.call(
                "mergeOpportunity",
                "opportunityId",
                twin,
                "into",
                names.get("opportunity"),
                "notes",
                "The same cause: nobody owns the host.");
        ideas();
    }

    /** Composes the reports; the jobs that they tell of must be there. */
    void report() {
        names.put("report", report("ideas_digest"));
        report("weekly_bets");
        report("daily_digest");
    }

    /** Texts that a page must not believe. */
    void beHostile() {
        names.put(
                "hostileOpportunity",
                opportunity(
                        "research",
                        Hostile.text(200),
                        Hostile.text(80),
                        List.of(5, 4, 4),
                        "whyNow",
                        Hostile.MARKDOWN + Hostile.text(3_000),
                        "ifNothing",
                        Hostile.text(4_000),
                        "evidence",
                        List.of(Map.of(
                                "kind",
                                "url",
                                "url",
                                "https://example.org/?next=javascript:window.hacked=1&" + "w".repeat(900),
                                "lookedAt",
                                Instant.now().toString(),
                                "note",
                                Hostile.text(500)))));
        names.put(
                "hostileIdea",
                bus.call(
                                "createIdea",
                                "sourceAgent",
                                "design",
                                "theme",
                                "<b>theme</b>",
                                "title",
                                "Rename <b onclick=\"window.hacked=1\">every</b> button " + Hostile.REVERSED,
                                "body",
                                Hostile.MARKDOWN + " " + Hostile.text(15_000),
                                "tags",
                                List.of("<i>tag</i>", "\"><img src=x>"))
                        .at("/idea/ideaId")
                        .asText());
    }

    private void done() {
        Work scout = fleet.start("research", "research.scan");
        ObjectNode input = proposal("Keep the packages between two builds", "build speed", List.of(4, 4, 3));
        String id = bus.callAs(scout.token(), "createOpportunity", Fleet.pairs(input))
                .at("/opportunity/opportunityId")
                .asText();
        fleet.complete(scout, "One proposal about the builds.");
        names.put("done", id);
        decide(id, "triaged", "The builds are what people wait for.");
        String job = bus.call(
                        "convertOpportunity",
                        "opportunityId",
                        id,
                        "subject",
                        "infra.check",
                        "notes",
                        "It pays back within a week.")
                .path("jobId")
                .asText();
        fleet.complete(fleet.claim("devops", job), "Builds take 11 minutes in place of 40.");
    }

    private void ideas() {
        JsonNode idea = bus.call(
                "createIdea",
                "sourceAgent",
                "design",
                "theme",
                "sign-up",
                "title",
                "Show the password while it is typed",
                "body",
                "A third of the people who leave the form leave it at the second password.\n\nA switch beside the field would do.",
                "tags",
                List.of("forms", "passwords"),
                "evidence",
                evidence());
        names.put("idea", idea.at("/idea/ideaId").asText());
        bus.call("reviewIdea", "ideaId", names.get("idea"), "notes", "Worth a look at the numbers first.");
        bus.call(
                "createIdea",
                "sourceAgent",
                "knowledge",
                "theme",
                "notes",
                "title",
                "A weekly list of notes that nobody has opened",
                "body",
                "Most notes are read once.");
    }

    private List<Map<String, Object>> evidence() {
        return List.of(
                Map.of(
                        "kind",
                        "event",
                        "id",
                        bus.call("listEvents").at("/events/0/eventId").asText()),
                Map.of("kind", "job", "id", names.get("blockedJob"), "note", "It waits for the same key."),
                Map.of(
                        "kind",
                        "slot",
                        "id",
                        bus.call("listStandingOrderRuns").at("/runs/0/runId").asText()),
                Map.of(
                        "kind",
                        "url",
                        "url",
                        ADDRESS,
                        "lookedAt",
                        Instant.now().truncatedTo(ChronoUnit.SECONDS).toString()));
    }

    private static ObjectNode proposal(String title, String theme, List<Integer> scores, Object... more) {
        ObjectNode input = Operations.json(
                "theme",
                theme,
                "title",
                title,
                "whyNow",
                title + ": the audit of this morning names it for the first time.",
                "ifNothing",
                "It stays as it is, and somebody pays for it each week.",
                "impactScore",
                scores.get(0),
                "confidenceScore",
                scores.get(1),
                "urgencyScore",
                scores.get(2),
                "reversibility",
                "high",
                "ownerCandidate",
                "devops",
                "suggestedNextStep",
                "Try it on one host, and say what it changes.",
                "evidence",
                List.of(Map.of("kind", "url", "url", ADDRESS, "lookedAt", "2026-05-01T08:00:00Z")));
        input.setAll(Operations.json(more));
        return input;
    }

    /** Proposes an opportunity for an agent; scores are impact, confidence and urgency. Returns its id. */
    String opportunity(String agent, String title, String theme, List<Integer> scores, Object... more) {
        ObjectNode input = proposal(title, theme, scores, more).put("sourceAgent", agent);
        return bus.call("createOpportunity", Fleet.pairs(input))
                .at("/opportunity/opportunityId")
                .asText();
    }

    private void decide(String opportunity, String decision, String notes, Object... more) {
        ObjectNode input = Operations.json(more);
        input.put("opportunityId", opportunity).put("decision", decision).put("notes", notes);
        bus.call("triageOpportunity", Fleet.pairs(input));
    }

    private String report(String kind) {
        // A report without an end would leave out what is younger than the last whole minute.
        return bus.call("composeReport", "kind", kind, "to", Instant.now().toString())
                .path("reportId")
                .asText();
    }
}
