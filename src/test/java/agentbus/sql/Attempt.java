package agentbus.sql;

import com.fasterxml.jackson.databind.JsonNode;

/** One claimed job with its fence. */
record Attempt(String job, String id, JsonNode claimed) {
    static Attempt of(JsonNode claimed) {
        return new Attempt(
                claimed.get("jobId").asText(), claimed.get("attemptId").asText(), claimed);
    }
}
