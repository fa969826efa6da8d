package agentbus.http;

import agentbus.harness.Answer;
import agentbus.harness.Door;
import java.util.Map;
import java.util.UUID;
import java.util.function.Function;

/** The calls of {@link OperationsTest} of the operations of the proactive lane. */
final class ProposalCalls {
    private static final String NOTES = "{\"notes\":\"n\"}";

    private ProposalCalls() {}

    /** Ideas, opportunities and the decisions about them. */
    static final Map<String, Function<Door, Answer>> PROPOSALS = Map.ofEntries(
            Map.entry("createIdea", ProposalCalls::idea),
            Map.entry("listIdeas", door -> {
                idea(door);
                return door.get("/v1/ideas?status=new&limit=1");
            }),
            Map.entry("getIdea", door -> door.get("/v1/ideas/" + ideaId(door))),
            Map.entry("reviewIdea", door -> door.post("/v1/ideas/" + ideaId(door) + "/review", NOTES)),
            Map.entry("archiveIdea", door -> door.post("/v1/ideas/" + ideaId(door) + "/archive", NOTES)),
            Map.entry(
                    "promoteIdeaToOpportunity",
                    door -> door.post("/v1/ideas/" + ideaId(door) + "/promote", "{" + bar() + "}")),
            Map.entry("createOpportunity", ProposalCalls::opportunity),
            Map.entry("listOpportunities", door -> {
                opportunity(door);
                return door.get("/v1/opportunities?status=new,parked&limit=1");
            }),
            Map.entry("getOpportunity", door -> {
                String id = opportunityId(door);
                convert(door, id);
                return door.get("/v1/opportunities/" + id);
            }),
            Map.entry(
                    "triageOpportunity",
                    door -> door.post(
                            "/v1/opportunities/" + opportunityId(door) + "/triage",
                            "{\"decision\":\"rejected\",\"notes\":\"n\",\"reviewer\":\"Anna Berg\"}")),
            Map.entry("convertOpportunity", door -> convert(door, opportunityId(door))),
            Map.entry(
                    "mergeOpportunity",
                    door -> door.post(
                            "/v1/opportunities/" + opportunityId(door) + "/merge",
                            "{\"into\":\"" + opportunityId(door) + "\",\"notes\":\"n\"}")),
            Map.entry("propose", door -> {
                on(door);
                return door.post("/v1/proposals", "{\"kind\":\"idea\"," + text() + ",\"body\":" + word() + "}");
            }),
            Map.entry("listProposalRates", door -> {
                opportunity(door);
                return door.get("/v1/proposals/rates");
            }));

    /** Digests and reports. */
    static final Map<String, Function<Door, Answer>> REPORTS = Map.of(
            "composeReport", ProposalCalls::report,
            "listReports",
                    door -> {
                        report(door);
                        return door.get("/v1/reports?limit=1");
                    },
            "getReport",
                    door -> door.get("/v1/reports/"
                            + report(door).json().path("reportId").asText()));

    /** Turns the phase of the lane on, as a node with agentbus.phase=3 does. */
    private static void on(Door door) {
        door.database().jdbc().queryForObject("select note_phase('default', 3, 'test')", String.class);
    }

    /** A JSON text that is like no other, so that no proposal is taken for another. */
    private static String word() {
        return "\"" + UUID.randomUUID() + "\"";
    }

    private static String text() {
        return "\"theme\":" + word() + ",\"title\":" + word();
    }

    private static String bar() {
        return "\"whyNow\":" + word() + ",\"ifNothing\":" + word() + ",\"suggestedNextStep\":" + word()
                + ",\"impactScore\":3,\"confidenceScore\":3,\"urgencyScore\":3,\"reversibility\":\"high\","
                + "\"ownerCandidate\":\"worker\",\"evidence\":[{\"kind\":\"url\",\"url\":\"https://example.org/"
                + UUID.randomUUID() + "\",\"lookedAt\":\"2026-05-01T08:00:00Z\"}]";
    }

    private static Answer idea(Door door) {
        on(door);
        return door.post("/v1/ideas", "{" + text() + ",\"body\":" + word() + "}");
    }

    private static String ideaId(Door door) {
        return idea(door).json().at("/idea/ideaId").asText();
    }

    private static Answer opportunity(Door door) {
        on(door);
        return door.post("/v1/opportunities", "{" + text() + "," + bar() + "}");
    }

    private static String opportunityId(Door door) {
        return opportunity(door).json().at("/opportunity/opportunityId").asText();
    }

    private static Answer convert(Door door, String opportunity) {
        return door.post(
                "/v1/opportunities/" + opportunity + "/convert",
                "{\"subject\":\"work\",\"notes\":\"n\",\"payload\":{\"limit\":3}}");
    }

    private static Answer report(Door door) {
        return door.post("/v1/reports", "{\"kind\":\"ideas_digest\"}");
    }
}
