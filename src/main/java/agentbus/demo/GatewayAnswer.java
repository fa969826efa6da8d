package agentbus.demo;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Map;

/**
 * An answer of the gateway. Every text, status and content type here was measured on OpenClaw 2026.9.6 unless a comment
 * says otherwise.
 */
record GatewayAnswer(int status, String contentType, Map<String, String> headers, String body) {

    static final String JSON = "application/json; charset=utf-8";
    static final String TEXT = "text/plain; charset=utf-8";

    static GatewayAnswer admitted(String runId) {
        return new GatewayAnswer(200, JSON, Map.of(), "{\"ok\":true,\"runId\":\"" + runId + "\"}");
    }

    /** The answer to a caller that waited for the run's end. A failed run also gets status 200, without a reason. */
    static GatewayAnswer completed(String runId, RunEnd end) {
        boolean ok = end == RunEnd.OK;
        return new GatewayAnswer(
                200,
                JSON,
                Map.of(),
                "{\"ok\":true,\"runId\":\"" + runId + "\",\"completion\":{\"status\":\"" + (ok ? "ok" : "error")
                        + "\",\"replyDisposition\":\"" + (ok ? "visible" : "empty")
                        + "\",\"delivered\":false,\"deliveryAttempted\":false}}");
    }

    static GatewayAnswer notAdmitted(String runId) {
        return new GatewayAnswer(
                503,
                JSON,
                Map.of(),
                "{\"ok\":false,\"error\":\"hook agent run did not start before admission timeout\",\"runId\":\"" + runId
                        + "\"}");
    }

    static GatewayAnswer draining() {
        return new GatewayAnswer(
                503,
                JSON,
                Map.of("Retry-After", "1"),
                "{\"error\":{\"message\":\"Gateway is temporarily unavailable while suspending or restarting\","
                        + "\"type\":\"service_unavailable\",\"code\":\"gateway_unavailable\"}}");
    }

    static GatewayAnswer error(int status, String message) {
        ObjectNode body = JsonNodeFactory.instance.objectNode();
        body.put("ok", false).put("error", message);
        return new GatewayAnswer(status, JSON, Map.of(), body.toString());
    }

    static GatewayAnswer payloadTooLarge() {
        GatewayAnswer answer = error(413, "payload too large");
        return new GatewayAnswer(413, JSON, Map.of("Connection", "close"), answer.body());
    }

    static GatewayAnswer text(int status, String body) {
        return new GatewayAnswer(status, TEXT, Map.of(), body);
    }

    static GatewayAnswer methodNotAllowed() {
        return new GatewayAnswer(405, TEXT, Map.of("Allow", "POST"), "Method Not Allowed");
    }

    static GatewayAnswer tooManyRequests(long retryAfterSeconds) {
        return new GatewayAnswer(
                429, TEXT, Map.of("Retry-After", Long.toString(retryAfterSeconds)), "Too Many Requests");
    }

    static GatewayAnswer tokenInQuery() {
        return text(
                400,
                "Hook token must be provided via Authorization: Bearer <token> or X-OpenClaw-Token header"
                        + " (query parameters are not allowed).");
    }

    static GatewayAnswer sessionKeyDisabled() {
        return error(
                400,
                "sessionKey is disabled for externally supplied hook payload values;"
                        + " set hooks.allowRequestSessionKey=true to enable");
    }

    static GatewayAnswer sessionKeyPrefix(List<String> prefixes) {
        return error(400, "sessionKey must start with one of: " + String.join(", ", prefixes));
    }

    static GatewayAnswer live() {
        return new GatewayAnswer(200, JSON, Map.of(), "{\"ok\":true,\"status\":\"live\"}");
    }

    static GatewayAnswer ready(boolean draining) {
        return draining
                ? new GatewayAnswer(503, JSON, Map.of(), "{\"ready\":false,\"failing\":[\"gateway-draining\"]}")
                : new GatewayAnswer(200, JSON, Map.of(), "{\"ready\":true,\"failing\":[]}");
    }
}
