package agentbus.dispatch;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.apache.camel.Header;
import org.apache.camel.Message;
import org.apache.camel.Variable;

/**
 * The call of a gateway's hook: the request for a delivery, and what its answer means. The same delivery always makes the
 * same bytes and the same Idempotency-Key, so that a gateway which knows the call answers with its first run.
 */
public final class HookCall {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Gateways gateways;
    private final Prompts prompts;

    /**
     * Calls of a node's gateways.
     *
     * @param gateways each with its form and its hook token
     * @param prompts puts the attempt's token into the prompt
     */
    public HookCall(Gateways gateways, Prompts prompts) {
        this.gateways = gateways;
        this.prompts = prompts;
    }

    /**
     * Makes the request: body and headers of the message, nothing else left in it.
     *
     * @param message the message; its body is the kept prompt
     * @param delivery the delivery
     * @throws JsonProcessingException never: the body is made of text
     */
    public void request(Message message, @Variable("delivery") Map<String, Object> delivery)
            throws JsonProcessingException {
        Gateway gateway = gateway(delivery);
        boolean mapped = gateway.form() == Gateway.Form.MAPPED;
        String agent = (String) delivery.get("targetAgent");
        String prompt = prompts.withToken(message.getBody(String.class), delivery);
        ObjectNode body = JSON.createObjectNode();
        if (mapped) {
            body.put("jobId", (String) delivery.get("jobId"));
        } else {
            body.put("agentId", agent)
                    .put("name", "agentbus " + delivery.get("jobId"))
                    .put("sessionKey", "job:" + conversation(delivery))
                    .put("sessionMode", "persistent")
                    // Without these two every run costs another turn of the agent's main session.
                    .put("deliver", false)
                    .put("wakeMode", "next-heartbeat")
                    .put("timeoutSeconds", ((Number) delivery.get("hardTimeoutSeconds")).intValue());
            putIfSet(body, "model", delivery);
            putIfSet(body, "thinking", delivery);
        }
        body.put("message", prompt);
        message.removeHeaders("*");
        message.setHeader(Exchange.HTTP_PATH, mapped ? "/hooks/job/" + agent : "/hooks/agent");
        message.setHeader(Exchange.CONTENT_TYPE, "application/json");
        message.setHeader("Authorization", "Bearer " + gateway.token());
        message.setHeader("Idempotency-Key", delivery.get("jobId") + "-" + delivery.get("attemptNo"));
        message.setBody(JSON.writeValueAsBytes(body));
    }

    /**
     * What the answer means, as parameters of the delivery functions.
     *
     * @param body the answer's body
     * @param status the answer's status, or null when there was none
     * @param retryAfter the answer's Retry-After, or null
     * @param failure what the call threw, or null
     * @param delivery the delivery
     * @return attemptId, dispatcher, outcome (the kind, lower case), reason, runId, sessionKey, retryAfterSeconds
     */
    public Map<String, Object> outcome(
            @Body byte[] body,
            @Header(Exchange.HTTP_RESPONSE_CODE) Integer status,
            @Header("Retry-After") String retryAfter,
            @ExchangeProperty(Exchange.EXCEPTION_CAUGHT) Exception failure,
            @Variable("delivery") Map<String, Object> delivery) {
        HookOutcome outcome = failure != null
                ? HookOutcome.ofFailure(failure)
                : HookOutcome.ofAnswer(status, withoutTokens(text(body), delivery), retryAfter);
        Map<String, Object> parameters = new HashMap<>();
        parameters.put("attemptId", delivery.get("attemptId"));
        parameters.put("dispatcher", delivery.get("dispatcher"));
        parameters.put("outcome", outcome.kind().name().toLowerCase(Locale.ROOT));
        parameters.put("reason", outcome.reason());
        parameters.put("runId", outcome.runId());
        parameters.put("sessionKey", sessionKey(delivery));
        parameters.put("retryAfterSeconds", outcome.retryAfterSeconds());
        return parameters;
    }

    /** What a reason quotes is kept and logged, and a proxy in the gateway's place may send back what it was sent. */
    private String withoutTokens(String body, Map<String, Object> delivery) {
        return prompts.withoutToken(gateway(delivery).withoutTokens(body), delivery);
    }

    /** JSON is UTF-8, and what is not JSON is only for people to read. */
    private static String text(byte[] body) {
        return body == null ? "" : new String(body, StandardCharsets.UTF_8);
    }

    /** The gateway lower-cases session keys (measured on OpenClaw 2026.9.6). */
    private String sessionKey(Map<String, Object> delivery) {
        return "agent:" + delivery.get("targetAgent") + ":job:"
                + conversation(delivery).toLowerCase(Locale.ROOT);
    }

    private Gateway gateway(Map<String, Object> delivery) {
        return gateways.named((String) delivery.get("gateway"));
    }

    /** The runs of a standing order may go on in one session; the mapped form's key is the gateway's own matter. */
    private String conversation(Map<String, Object> delivery) {
        Object session = gateway(delivery).form() == Gateway.Form.DIRECT ? delivery.get("session") : null;
        return String.valueOf(session == null ? delivery.get("jobId") : session);
    }

    private static void putIfSet(ObjectNode body, String field, Map<String, Object> delivery) {
        if (delivery.get(field) != null) {
            body.put(field, (String) delivery.get(field));
        }
    }
}
