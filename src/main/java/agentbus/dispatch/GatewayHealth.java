package agentbus.dispatch;

import agentbus.text.Json;
import agentbus.text.WholeText;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.apache.camel.Header;
import org.apache.camel.Message;
import org.apache.camel.Variable;

/**
 * Builds a gateway's readiness check ({@code GET /readyz}) and reads the answer. Measured on OpenClaw 2026.9.6: the
 * answer is 200, or 503 with the list {@code failing}.
 */
public final class GatewayHealth {
    private static final String DRAINING = "gateway-draining";
    /** Chosen: long enough for the names of all failing checks. */
    private static final int REASON_LENGTH = 300;

    /** Chosen: three reports fit into the minute for which the database trusts a "ready". */
    private static final Duration REPEAT = Duration.ofSeconds(20);

    private final Gateways gateways;
    private final String node;
    private final BooleanSupplier alone;
    /** When this node last wrote that a gateway is ready (nanoTime); no entry while it is not ready. */
    private final Map<String, Long> readyWrittenAt = new ConcurrentHashMap<>();

    /**
     * Readiness of a node's gateways.
     *
     * @param gateways the gateways
     * @param node the dispatcher's id, under which the database keeps this node's view
     * @param alone whether this node is the only dispatcher
     */
    public GatewayHealth(Gateways gateways, String node, BooleanSupplier alone) {
        this.gateways = gateways;
        this.node = node;
        this.alone = alone;
    }

    /**
     * Makes the request: an empty body, and the path as the only header.
     *
     * @param message the message to change
     */
    public void request(Message message) {
        message.removeHeaders("*");
        message.setBody(null);
        message.setHeader(Exchange.HTTP_PATH, "/readyz");
    }

    /**
     * Reads the answer into the parameters of {@code gateway_checked}.
     *
     * @param body the answer's body
     * @param status the answer's status, or null without an answer
     * @param failure the exception of the call, or null
     * @param gateway the gateway's name
     * @return node, gateway, state (ready, draining, down or unknown) and reason, null when ready
     */
    public Map<String, Object> verdict(
            @Body byte[] body,
            @Header(Exchange.HTTP_RESPONSE_CODE) Integer status,
            @ExchangeProperty(Exchange.EXCEPTION_CAUGHT) Exception failure,
            @Variable("gateway") String gateway) {
        Map<String, Object> verdict = new HashMap<>();
        verdict.put("node", node);
        verdict.put("gateway", gateway);
        if (failure != null || status == null) {
            set(verdict, "down", "no answer: " + HookOutcome.brief(String.valueOf(failure)));
        } else if (status == 200) {
            set(verdict, "ready", null);
        } else {
            setUnready(verdict, status, text(body));
        }
        gateways.reached(gateway, !verdict.get("state").equals("down"));
        return verdict;
    }

    /**
     * Whether a verdict has to be written. A lone node repeats "still ready" only every 20 s. With several nodes, every
     * node writes every verdict, because a node that reaches a gateway outweighs a node that does not.
     *
     * @param verdict the result of {@link #verdict}
     * @return whether to write it
     */
    public boolean mustBeWritten(@Body Map<String, Object> verdict) {
        Long last = readyWrittenAt.get((String) verdict.get("gateway"));
        return last == null
                || !isReady(verdict)
                || !alone.getAsBoolean()
                || System.nanoTime() - last >= REPEAT.toNanos();
    }

    /**
     * Notes that a verdict has reached the database.
     *
     * @param verdict the result of {@link #verdict}
     */
    public void written(@Variable("verdict") Map<String, Object> verdict) {
        String gateway = (String) verdict.get("gateway");
        if (isReady(verdict)) {
            readyWrittenAt.put(gateway, System.nanoTime());
        } else {
            readyWrittenAt.remove(gateway);
        }
    }

    private static boolean isReady(Map<String, Object> verdict) {
        return "ready".equals(verdict.get("state"));
    }

    private void setUnready(Map<String, Object> verdict, int status, String body) {
        List<String> failing = failing(body);
        if (failing.contains(DRAINING)) {
            set(verdict, "draining", "it is draining: its runs go on, and it accepts no new ones");
        } else if (status == 503 && !failing.isEmpty()) {
            set(verdict, "down", "not ready: " + String.join(", ", failing));
        } else {
            // This is not a gateway's readiness answer; the first hook call will show whether the server accepts hooks.
            set(verdict, "unknown", "answered " + status + " when asked for /readyz: " + HookOutcome.brief(body));
        }
    }

    private static void set(Map<String, Object> verdict, String state, String reason) {
        verdict.put("state", state);
        String line = reason == null ? null : WholeText.repaired(reason);
        verdict.put(
                "reason",
                line == null || line.length() <= REASON_LENGTH ? line : WholeText.cut(line, REASON_LENGTH) + "…");
    }

    private static List<String> failing(String body) {
        List<String> failing = new ArrayList<>();
        try {
            for (JsonNode check : Json.read(body).path("failing")) {
                failing.add(check.asText());
            }
        } catch (JsonProcessingException notJson) {
            return List.of();
        }
        return failing;
    }

    private static String text(byte[] body) {
        return body == null ? "" : new String(body, StandardCharsets.UTF_8);
    }
}
