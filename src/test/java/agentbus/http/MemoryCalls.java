package agentbus.http;

import agentbus.harness.Answer;
import agentbus.harness.Door;
import java.util.Map;
import java.util.UUID;
import java.util.function.Function;

/** A call of each operation of the memory lane. */
final class MemoryCalls {
    private static final String NOTES = "{\"notes\":\"Read again with the logs of this week.\"}";

    static final Map<String, Function<Door, Answer>> MEMORIES = Map.ofEntries(
            Map.entry("createMemoryCandidate", MemoryCalls::candidate),
            Map.entry("listMemoryCandidates", door -> {
                candidate(door);
                return door.get("/v1/memory-candidates?status=new,rejected&scope=service&limit=1");
            }),
            Map.entry("getMemoryCandidate", door -> door.get("/v1/memory-candidates/" + candidateId(door))),
            Map.entry(
                    "rejectMemoryCandidate",
                    door -> door.post("/v1/memory-candidates/" + candidateId(door) + "/reject", NOTES)),
            Map.entry("promoteMemoryCandidate", MemoryCalls::memory),
            Map.entry("listMemories", door -> {
                memory(door);
                return door.get("/v1/memories?status=active&limit=1");
            }),
            Map.entry("searchMemories", door -> {
                String title = memory(door).json().at("/memory/title").asText();
                return door.post("/v1/memories/search", "{\"query\":\"" + title + "\"}");
            }),
            Map.entry("getMemory", door -> door.get("/v1/memories/" + memoryId(door))),
            Map.entry(
                    "supersedeMemory",
                    door -> door.post(
                            "/v1/memories/" + memoryId(door) + "/supersede",
                            "{\"notes\":\"Version 4 needs it no more.\",\"body\":" + words() + "}")),
            Map.entry("expireMemory", door -> act(door, "expire")),
            Map.entry("expireMemories", door -> {
                memory(door);
                return door.post(
                        "/v1/memories/expire",
                        "{\"scope\":\"service\",\"dryRun\":true,\"notes\":\"Polluted in May.\"}");
            }),
            Map.entry("confirmMemory", door -> act(door, "confirm")),
            Map.entry("markMemoryWrong", door -> act(door, "wrong")),
            Map.entry("listMemoryReviews", door -> {
                reviewed(door);
                return reviews(door);
            }),
            Map.entry("closeMemoryReview", door -> {
                reviewed(door);
                String review = reviews(door).json().at("/reviews/0/reviewId").asText();
                return door.post("/v1/memory-reviews/" + review + "/close", NOTES);
            }),
            Map.entry("listMemoryInjections", door -> {
                String memory = memoryId(door);
                door.database()
                        .jdbc()
                        .update(
                                "insert into memory_injections (namespace, attempt_id, memory_id, version, job_id, agent_id,"
                                        + " bucket, rank, score, score_parts, tokens) values ('default', new_id(), ?::uuid, 1,"
                                        + " new_id(), 'worker', 'exact', 1, 0.5, '{}', 40)",
                                memory);
                return door.get("/v1/memory-injections?memoryId=" + memory);
            }));

    private MemoryCalls() {}

    /** A JSON text that is like no other. */
    private static String words() {
        return "\"what is known of " + UUID.randomUUID() + "\"";
    }

    private static Answer candidate(Door door) {
        door.database().jdbc().queryForObject("select note_phase('default', 4, 'test')", String.class);
        return door.post(
                "/v1/memory-candidates",
                "{\"candidateKind\":\"lesson\",\"scope\":\"service\",\"subjectKey\":\"" + UUID.randomUUID()
                        + "\",\"title\":" + words() + ",\"body\":" + words() + ",\"evidence\":" + words()
                        + ",\"confidenceScore\":4,\"sourceRefs\":[{\"kind\":\"url\",\"url\":\"https://example.org/x\","
                        + "\"lookedAt\":\"2026-05-01T08:00:00Z\"}]}");
    }

    private static String candidateId(Door door) {
        return candidate(door).json().at("/candidate/candidateId").asText();
    }

    private static Answer memory(Door door) {
        return door.post("/v1/memory-candidates/" + candidateId(door) + "/promote", NOTES);
    }

    private static String memoryId(Door door) {
        return memory(door).json().at("/memory/memoryId").asText();
    }

    private static Answer act(Door door, String what) {
        return door.post("/v1/memories/" + memoryId(door) + "/" + what, NOTES);
    }

    /** Lets an agent call a memory wrong, which opens a review. */
    private static void reviewed(Door door) {
        String memory = memoryId(door);
        door.call("POST", "/v1/memories/" + memory + "/wrong", door.work().token(), NOTES);
    }

    private static Answer reviews(Door door) {
        return door.get("/v1/memory-reviews?limit=1");
    }
}
