package agentbus.dispatch;

import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.support.SynchronizationAdapter;

/**
 * Turns what a claim returned into deliveries: maps that travel through the dispatch routes as the message body. Their keys
 * are the job's fields as the contract names them, with {@code attemptId}, {@code attemptNo}, {@code nonce}, {@code gateway},
 * {@code deliveries}, {@code prompt} once there is one, and {@code dispatcher}.
 */
public final class HookCalls {
    private static final TypeReference<LinkedHashMap<String, Object>> MAP = new TypeReference<>() {};

    private final Dispatcher dispatcher;

    /**
     * Deliveries of one dispatcher.
     *
     * @param dispatcher whose they are
     */
    public HookCalls(Dispatcher dispatcher) {
        this.dispatcher = dispatcher;
    }

    /**
     * Takes one claimed job in hand.
     *
     * @param row a row of the claim; its column {@code claimed} is JSON
     * @return the hook call
     * @throws JsonProcessingException when the database answered something else than JSON
     */
    public Map<String, Object> fromClaim(@Body Map<String, Object> row) throws JsonProcessingException {
        Map<String, Object> hookCall = Json.EXACT.forType(MAP).readValue((String) row.get("claimed"));
        hookCall.put("dispatcher", dispatcher.id());
        dispatcher.hold((String) hookCall.get("attemptId"));
        return hookCall;
    }

    /**
     * Opens a hook call's own exchange: the attempt leaves the dispatcher's hands when that exchange ends, however it ends.
     *
     * @param exchange with the hook call as its body
     */
    public void releaseWhenDone(Exchange exchange) {
        String attemptId = (String) exchange.getMessage().getBody(Map.class).get("attemptId");
        exchange.getExchangeExtension().addOnCompletion(new SynchronizationAdapter() {
            @Override
            public void onDone(Exchange done) {
                dispatcher.release(attemptId);
            }

            @Override
            public boolean allowHandover() {
                // The routes that call each other share this exchange; it must not be let go before its own end.
                return false;
            }
        });
    }
}
