package agentbus.dispatch;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import org.apache.camel.Variable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Checks whether the gateways accept this node's operator tokens. Without the check a wrong token shows only when the
 * stop of a run fails.
 */
public final class OperatorTokens {
    private static final Logger LOG = LoggerFactory.getLogger(OperatorTokens.class);
    /** Chosen: a corrected token shows within minutes, and a wrong one is far from a gateway's limit of wrong tokens. */
    private static final Duration AGAIN = Duration.ofMinutes(5);

    private final Gateways gateways;
    private final RunAborts calls;
    /** When each ready gateway was last asked (nanoTime); no entry while it is not ready. */
    private final Map<String, Long> askedAt = new ConcurrentHashMap<>();

    /**
     * The operator tokens of a node.
     *
     * @param gateways the gateways
     * @param calls makes calls to them
     */
    public OperatorTokens(Gateways gateways, RunAborts calls) {
        this.gateways = gateways;
        this.calls = calls;
    }

    /**
     * Whether a gateway's operator token has to be checked: as soon as the gateway is ready, and every five minutes.
     *
     * @param verdict the result of the gateway's readiness check
     * @return whether to call {@link #check}
     */
    public boolean due(@Variable("verdict") Map<String, Object> verdict) {
        String gateway = (String) verdict.get("gateway");
        if (!gateways.named(gateway).hasOperatorToken()) {
            return false;
        }
        if (!"ready".equals(verdict.get("state"))) {
            askedAt.remove(gateway);
            return false;
        }
        Long last = askedAt.get(gateway);
        return last == null || System.nanoTime() - last >= AGAIN.toNanos();
    }

    /**
     * Connects to a gateway with its operator token.
     *
     * @param name the gateway's name
     * @return the parameters of {@code operator_token_checked}: gateway, and refusal, null when the token is accepted;
     *     null when the gateway did not answer, or refused for another reason, which says nothing about the token
     */
    public Map<String, Object> check(@Variable("gateway") String name) {
        Gateway gateway = gateways.named(name);
        askedAt.put(name, System.nanoTime());
        Map<String, Object> checked = new HashMap<>();
        checked.put("gateway", name);
        try {
            calls.answer(gateway, new GatewayCall(gateway.operatorToken(), null, null));
            checked.put("refusal", null);
            return checked;
        } catch (ExecutionException failed) {
            if (!(failed.getCause() instanceof GatewayCall.Unwelcome refused)) {
                LOG.debug("Gateway {} did not answer the check of its operator token", name, failed);
                return null;
            }
            if (!refused.aboutToken()) {
                LOG.info(
                        "Gateway {} did not let the bus check its operator token: {}",
                        name,
                        HookOutcome.brief(gateway.withoutTokens(refused.getMessage())));
                return null;
            }
            String refusal = HookOutcome.brief(gateway.withoutTokens(refused.getMessage()));
            LOG.warn(
                    "Gateway {} does not accept the operator token, so cancelled runs go on: {}. The token must be the"
                            + " gateway.auth.token that is in force there",
                    name,
                    refusal);
            checked.put("refusal", refusal);
            return checked;
        } catch (TimeoutException silent) {
            LOG.debug("Gateway {} did not answer the check of its operator token", name, silent);
            return null;
        } catch (InterruptedException stopping) {
            Thread.currentThread().interrupt();
            return null;
        }
    }
}
