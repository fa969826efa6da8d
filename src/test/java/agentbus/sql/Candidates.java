package agentbus.sql;

import static agentbus.sql.Machine.json;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/** Inputs of memory candidates that meet every rule, for tests that change one part of them. */
final class Candidates {
    static final String TITLE = "Restart the cache before the web server";

    static final String BODY =
            "The web server keeps stale connections to the cache unless the cache has restarted before it.";

    private Candidates() {}

    /** A lesson about the service web-1, seen in the job; {@code more} are fields that are added or replaced. */
    static ObjectNode lesson(String job, Object... more) {
        return Proposals.with(
                json(
                        "candidateKind",
                        "lesson",
                        "scope",
                        "service",
                        "subjectKey",
                        "web-1",
                        "title",
                        TITLE,
                        "body",
                        BODY,
                        "evidence",
                        "Two deploys failed until somebody did so.",
                        "sourceRefs",
                        List.of(ref("job", job)),
                        "confidenceScore",
                        4),
                more);
    }

    /** A source of the ledger. */
    static ObjectNode ref(String kind, String id) {
        return json("kind", kind, "id", id);
    }

    /** A job that devops has finished. */
    static String seen(Machine bus) {
        Attempt attempt = bus.running();
        bus.complete(attempt);
        return attempt.job();
    }

    static String id(JsonNode created) {
        return created.at("/candidate/candidateId").asText();
    }

    /** The sources of the row, as it is stored. */
    static JsonNode sources(Machine bus, String candidate) {
        return bus.one("select source_refs from memory_candidates where candidate_id = ?::uuid", candidate);
    }
}
