package agentbus.demo;

import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.io.JsonEOFException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;

/** Turns the body of a hook into a run, or into the answer that refuses it. */
final class HookForms {

    private static final String MAPPED = "/job/";
    /** The allowed prefixes of a session key that a request chooses. */
    private static final List<String> SESSION_KEY_PREFIXES = List.of("hook:", "job:");

    /** The result of reading a hook's body: a run or a refusal. */
    sealed interface Reading {}

    record Refused(GatewayAnswer answer) implements Reading {}

    /** A run to admit; {@code fields} is the body without the fields that a retry may change, in a fixed order. */
    record Accepted(AdmittedRun run, boolean waitForCompletion, String fields) implements Reading {}

    private static final ObjectReader BODIES = Json.EXACT.with(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private final GatewayOptions options;

    HookForms(GatewayOptions options) {
        this.options = options;
    }

    /**
     * Parses a body. Arrays and scalars count as an object without fields.
     *
     * @throws JsonProcessingException if it is not JSON
     */
    JsonNode parse(byte[] body) throws JsonProcessingException {
        try {
            JsonNode node = BODIES.readTree(body);
            return node.isObject() ? node : Json.object();
        } catch (JsonProcessingException e) {
            throw e;
        } catch (IOException e) {
            throw new IllegalStateException("Reading from memory failed", e);
        }
    }

    /** The answer to a body that is not JSON. Only the text for a truncated body was measured. */
    static GatewayAnswer brokenJson(JsonProcessingException e) {
        return GatewayAnswer.error(
                400, e instanceof JsonEOFException ? "Unexpected end of JSON input" : "Unexpected token in JSON");
    }

    /** The agent that a path or a body names, empty if neither does. */
    static String agentOf(String subPath, JsonNode payload) {
        return subPath.startsWith(MAPPED) ? subPath.substring(MAPPED.length()) : text(payload, "agentId");
    }

    /** The run that a body asks for. */
    Reading read(String subPath, JsonNode payload, String idempotencyKey) {
        if (subPath.equals("/agent")) {
            return direct(payload, idempotencyKey);
        }
        String agent = agentOf(subPath, payload);
        if (!subPath.startsWith(MAPPED) || !options.agents().contains(agent)) {
            return new Refused(GatewayAnswer.text(404, "Not Found"));
        }
        return mapped(agent, payload, idempotencyKey);
    }

    private Reading mapped(String agent, JsonNode payload, String idempotencyKey) {
        // The message template is {{message}}, so a number or a boolean is a message, too.
        String message = payload.path("message").asText("");
        if (message.isBlank()) {
            return refused("hook mapping requires message");
        }
        if (!options.allowedAgents().contains(agent)) {
            return refused("agentId is not allowed by hooks.allowedAgentIds");
        }
        if (!options.sessionKeysAllowed()) {
            return new Refused(GatewayAnswer.sessionKeyDisabled());
        }
        // Without a job id all runs of an agent share one session (measured), so such jobs wait for each other.
        String jobId = payload.path("jobId").asText("");
        String sessionKey = "agent:" + agent + ":job:" + jobId.toLowerCase(Locale.ROOT);
        String name = "dispatcher " + jobId;
        // The body's waitForCompletion and timeoutSeconds have no effect, because the mapping sets both.
        return accepted(agent, sessionKey, message, name, true, idempotencyKey, options.runTimeout(), payload, false);
    }

    private Reading direct(JsonNode payload, String idempotencyKey) {
        String message = text(payload, "message");
        if (message.isBlank()) {
            return refused("message required");
        }
        String channel = text(payload, "channel");
        if (!channel.isBlank() && !channel.equals("last")) {
            return refused("channel must be last");
        }
        if (payload.has("model") && !payload.path("model").isTextual()) {
            return refused("model required");
        }
        String agent = text(payload, "agentId");
        if (agent.isBlank()) {
            if (options.systemAgent().isEmpty()) {
                return refused("agentId is required when multiple agents are configured");
            }
            agent = options.systemAgent().get();
        }
        if (!options.agents().contains(agent)) {
            return refused("unknown agentId \"" + agent + "\"");
        }
        if (!options.allowedAgents().contains(agent)) {
            return refused("agentId is not allowed by hooks.allowedAgentIds");
        }
        String key = text(payload, "sessionKey").toLowerCase(Locale.ROOT);
        Optional<GatewayAnswer> keyProblem = checkSessionKey(key, text(payload, "sessionMode"));
        if (keyProblem.isPresent()) {
            return new Refused(keyProblem.get());
        }
        String sessionKey = "agent:" + agent + ":" + (key.isBlank() ? "cron:" + UUID.randomUUID() : key);
        double seconds = payload.path("timeoutSeconds").asDouble(0);
        Duration timeout = seconds > 0 ? Duration.ofMillis((long) (seconds * 1_000)) : options.runTimeout();
        boolean wait = payload.path("waitForCompletion").asBoolean(false);
        String name = payload.path("name").asText("Hook");
        return accepted(agent, sessionKey, message, name, false, idempotencyKey, timeout, payload, wait);
    }

    private Optional<GatewayAnswer> checkSessionKey(String key, String mode) {
        if (key.isBlank()) {
            return mode.equals("persistent")
                    ? Optional.of(GatewayAnswer.error(400, "sessionKey is required when sessionMode is persistent"))
                    : Optional.empty();
        }
        if (!options.sessionKeysAllowed()) {
            return Optional.of(GatewayAnswer.sessionKeyDisabled());
        }
        if (SESSION_KEY_PREFIXES.stream().noneMatch(key::startsWith)) {
            return Optional.of(GatewayAnswer.sessionKeyPrefix(SESSION_KEY_PREFIXES));
        }
        return Optional.empty();
    }

    private static Accepted accepted(
            String agent,
            String sessionKey,
            String message,
            String name,
            boolean mapped,
            String idempotencyKey,
            Duration timeout,
            JsonNode payload,
            boolean wait) {
        AdmittedRun run = new AdmittedRun(
                UUID.randomUUID().toString(),
                agent,
                sessionKey,
                message,
                name,
                mapped,
                idempotencyKey,
                payload.path("jobId").asText(""),
                timeout,
                payload);
        Map<String, JsonNode> fields = new TreeMap<>();
        payload.properties().forEach(field -> fields.put(field.getKey(), field.getValue()));
        // A retry may differ in these two fields and still is the same request; its key may be in a header instead.
        fields.remove("waitForCompletion");
        fields.remove("idempotencyKey");
        return new Accepted(run, wait, idempotencyKey.isEmpty() ? "" : fields.toString());
    }

    private static Reading refused(String message) {
        return new Refused(GatewayAnswer.error(400, message));
    }

    private static String text(JsonNode payload, String field) {
        JsonNode value = payload.path(field);
        return value.isTextual() ? value.textValue() : "";
    }
}
