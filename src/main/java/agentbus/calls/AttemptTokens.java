package agentbus.calls;

import agentbus.settings.ServerKey;
import agentbus.text.Sha256;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.camel.Exchange;

/** Gives a worker the token of each attempt that it has claimed. */
public final class AttemptTokens {
    private final ServerKey key;

    /**
     * Makes the tokens of one server key.
     *
     * @param key derives the tokens
     */
    public AttemptTokens(ServerKey key) {
        this.key = key;
    }

    /**
     * Whether the call's operation hands out attempts.
     *
     * @param exchange the exchange that runs the call
     * @return true for an operation with {@code x-hands-out-attempts}
     */
    public boolean wanted(Exchange exchange) {
        return Call.of(exchange).operation().special().attemptList().isPresent();
    }

    /**
     * Adds the token of each claimed attempt to the answer, and stores the hashes of the tokens in the variable
     * {@code tokenHashes}.
     *
     * @param exchange with the answer as its body
     */
    public void add(Exchange exchange) {
        String list = Call.of(exchange).operation().special().attemptList().orElseThrow();
        List<Map<String, Object>> hashes = new ArrayList<>();
        for (JsonNode claimed : exchange.getMessage().getBody(ObjectNode.class).path(list)) {
            String attemptId = claimed.path("attemptId").asText();
            String token = key.attemptToken(UUID.fromString(attemptId));
            ((ObjectNode) claimed).put("attemptToken", token);
            ((ObjectNode) claimed).remove("nonce");
            hashes.add(Map.of("attemptId", attemptId, "tokenHash", Sha256.of(token)));
        }
        exchange.setVariable("tokenHashes", hashes);
    }
}
