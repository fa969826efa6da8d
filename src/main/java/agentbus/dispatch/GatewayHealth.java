package agentbus.dispatch;

import agentbus.text.Json;
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
 * Asks a gateway whether it is ready ({@code GET /readyz}), and reads its answer. The answers are those measured on
 * OpenClaw 2026.9.6: 200, or 503 with the list {@code failing}.
 */
public final class GatewayHealth {
    private static final String DRAINING = "gateway-draining";
    private static final int REASON_LENGTH = 300;

    /** Well within the minute after which the database forgets. */
    private static final Duration REPEAT = Duration.ofSeconds(20);

    private final Gateways gateways;
    private final String node;
    private final BooleanSupplier alone;
    /** When the database was told last that a gateway is ready; none for one that is not. */
    private final Map<String, Long> toldReady = new ConcurrentHashMap<>();

    /**
     * Health of a node's gateways.
     *
     * @param gateways the gateways
     * @param node the dispatcher's id, by which other nodes tell whose view it is
     * @param alone whether no other node dispatches
     */
    public GatewayHealth(Gateways gateways, String node, BooleanSupplier alone) {
        this.gateways = gateways;
        this.node = node;
        this.alone = alone;
    }

    /**
     * Makes the question: no body, and no header but the path.
     *
     * @param message the message
     */
    public void request(Message message) {
        message.removeHeaders("*");
        message.setBody(null);
        message.setHeader(Exchange.HTTP_PATH, "/readyz");
    }

    /**
     * What the answer means, as parameters of {@code gateway_checked}.
     *
     * @param body the answer's body
     * @param status the answer's status, or null when there was none
     * @param failure what the call threw, or null
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
            say(verdict, "down", "no answer: " + HookOutcome.brief(String.valueOf(failure)));
        } else if (status == 200) {
            say(verdict, "ready", null);
        } else {
            judge(verdict, status, text(body));
        }
        gateways.reached(gateway, !verdict.get("state").equals("down"));
        return verdict;
    }

    /**
     * Whether a verdict has to be written down. All but one: that a gateway is ready as before, where no other node needs to
     * hear it, for the word of one that reaches a gateway stands against the silence of one that does not.
     *
     * @param verdict what {@link #verdict} returned
     * @return whether to write it
     */
    public boolean mustBeWritten(@Body Map<String, Object> verdict) {
        Long last = toldReady.get((String) verdict.get("gateway"));
        return last == null
                || !isReady(verdict)
                || !alone.getAsBoolean()
                || System.nanoTime() - last >= REPEAT.toNanos();
    }

    /**
     * Notes that a verdict has reached the database.
     *
     * @param verdict what {@link #verdict} returned
     */
    public void written(@Variable("verdict") Map<String, Object> verdict) {
        String gateway = (String) verdict.get("gateway");
        if (isReady(verdict)) {
            toldReady.put(gateway, System.nanoTime());
        } else {
            toldReady.remove(gateway);
        }
    }

    private static boolean isReady(Map<String, Object> verdict) {
        return "ready".equals(verdict.get("state"));
    }

    private void judge(Map<String, Object> verdict, int status, String body) {
        List<String> failing = failing(body);
        if (failing.contains(DRAINING)) {
            say(verdict, "draining", "it drains: what runs goes on, nothing new is taken");
        } else if (status == 503 && !failing.isEmpty()) {
            say(verdict, "down", "not ready: " + String.join(", ", failing));
        } else {
            // Somebody answers, and not as a gateway does. Whether it takes hooks the first hook will tell.
            say(verdict, "unknown", "answered " + status + " when asked for /readyz: " + HookOutcome.brief(body));
        }
    }

    private static void say(Map<String, Object> verdict, String state, String reason) {
        verdict.put("state", state);
        verdict.put(
                "reason",
                reason == null || reason.length() <= REASON_LENGTH ? reason : reason.substring(0, REASON_LENGTH) + "…");
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
