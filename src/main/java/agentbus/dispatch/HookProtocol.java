package agentbus.dispatch;

import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
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
 * Builds the HTTP request of a hook call and reads the answer. A repeated hook call has the same bytes and the same
 * Idempotency-Key, so the gateway answers with the first run instead of starting a second.
 */
public final class HookProtocol {
    private final Gateways gateways;
    private final Prompts prompts;

    /**
     * Hook calls to a node's gateways.
     *
     * @param gateways the gateways, with their forms and hook tokens
     * @param prompts puts the attempt's token into the prompt
     */
    public HookProtocol(Gateways gateways, Prompts prompts) {
        this.gateways = gateways;
        this.prompts = prompts;
    }

    /**
     * Makes the request: sets the message's body and headers, after removing all old headers.
     *
     * @param message the message; its body is the kept prompt
     * @param hookCall the hook call
     * @throws JsonProcessingException never, because the body consists of text and numbers
     */
    public void request(Message message, @Variable("hookCall") Map<String, Object> hookCall)
            throws JsonProcessingException {
        Gateway gateway = gateway(hookCall);
        boolean mapped = gateway.form() == Gateway.Form.MAPPED;
        String agent = (String) hookCall.get("targetAgent");
        String prompt = prompts.withToken(message.getBody(String.class), hookCall);
        ObjectNode body = Json.object();
        if (mapped) {
            body.put("jobId", (String) hookCall.get("jobId"));
        } else {
            body.put("agentId", agent)
                    .put("name", "agentbus " + hookCall.get("jobId"))
                    .put("sessionKey", "job:" + conversation(hookCall))
                    .put("sessionMode", "persistent")
                    // Without the following two fields, every run costs another turn of the agent's main session.
                    .put("deliver", false)
                    .put("wakeMode", "next-heartbeat")
                    .put("timeoutSeconds", ((Number) hookCall.get("hardTimeoutSeconds")).intValue());
            putIfSet(body, "model", hookCall);
            putIfSet(body, "thinking", hookCall);
        }
        body.put("message", prompt);
        message.removeHeaders("*");
        message.setHeader(Exchange.HTTP_PATH, mapped ? "/hooks/job/" + agent : "/hooks/agent");
        message.setHeader(Exchange.CONTENT_TYPE, "application/json");
        message.setHeader("Authorization", "Bearer " + gateway.token());
        message.setHeader("Idempotency-Key", hookCall.get("jobId") + "-" + hookCall.get("attemptNo"));
        message.setBody(Json.bytes(body));
    }

    /**
     * Reads the answer into the parameters of the {@code hook_} functions.
     *
     * @param body the answer's body
     * @param status the answer's status, or null without an answer
     * @param retryAfter the answer's Retry-After, or null
     * @param failure the exception of the call, or null
     * @param hookCall the hook call
     * @return attemptId, dispatcher, outcome (the {@link HookOutcome.Kind} in lower case), status, reason, runId,
     *     sessionKey, retryAfterSeconds
     */
    public Map<String, Object> outcome(
            @Body byte[] body,
            @Header(Exchange.HTTP_RESPONSE_CODE) Integer status,
            @Header("Retry-After") String retryAfter,
            @ExchangeProperty(Exchange.EXCEPTION_CAUGHT) Exception failure,
            @Variable("hookCall") Map<String, Object> hookCall) {
        HookOutcome outcome = failure != null
                ? HookOutcome.ofFailure(failure)
                : HookOutcome.ofAnswer(status, withoutTokens(text(body), hookCall), retryAfter);
        Map<String, Object> parameters = new HashMap<>();
        parameters.put("attemptId", hookCall.get("attemptId"));
        parameters.put("dispatcher", hookCall.get("dispatcher"));
        parameters.put("outcome", outcome.kind().name().toLowerCase(Locale.ROOT));
        parameters.put("status", status);
        parameters.put("reason", outcome.reason());
        parameters.put("runId", outcome.runId());
        parameters.put("sessionKey", sessionKey(hookCall));
        parameters.put("retryAfterSeconds", outcome.retryAfterSeconds());
        return parameters;
    }

    /** Masks tokens: reasons are stored and logged, and a proxy in front of the gateway may echo the request. */
    private String withoutTokens(String body, Map<String, Object> hookCall) {
        return prompts.withoutToken(gateway(hookCall).withoutTokens(body), hookCall);
    }

    /** Decodes as UTF-8, which all JSON uses; any other text is only quoted for people. */
    private static String text(byte[] body) {
        return body == null ? "" : new String(body, StandardCharsets.UTF_8);
    }

    /** The gateway lower-cases session keys (measured on OpenClaw 2026.9.6). */
    private String sessionKey(Map<String, Object> hookCall) {
        return "agent:" + hookCall.get("targetAgent") + ":job:"
                + conversation(hookCall).toLowerCase(Locale.ROOT);
    }

    private Gateway gateway(Map<String, Object> hookCall) {
        return gateways.named((String) hookCall.get("gateway"));
    }

    /**
     * The runs of a standing order may share one session. In the mapped form the gateway's configuration names the
     * session.
     */
    private String conversation(Map<String, Object> hookCall) {
        Object session = gateway(hookCall).form() == Gateway.Form.DIRECT ? hookCall.get("session") : null;
        return String.valueOf(session == null ? hookCall.get("jobId") : session);
    }

    private static void putIfSet(ObjectNode body, String field, Map<String, Object> hookCall) {
        if (hookCall.get(field) != null) {
            body.put(field, (String) hookCall.get(field));
        }
    }
}
