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
 * Turns the rows of a claim into hook calls: maps that travel through the dispatch routes as the message body. Each map
 * holds the job's fields under their contract names. The claim adds {@code attemptId}, {@code attemptNo}, {@code nonce},
 * {@code gateway}, {@code deliveries} (the number of hook calls so far) and {@code prompt}, if one was rendered before;
 * this class adds {@code dispatcher}.
 */
public final class HookCalls {
    private static final TypeReference<LinkedHashMap<String, Object>> MAP = new TypeReference<>() {};

    private final Dispatcher dispatcher;

    /**
     * Hook calls of one dispatcher.
     *
     * @param dispatcher the holder of the claimed attempts
     */
    public HookCalls(Dispatcher dispatcher) {
        this.dispatcher = dispatcher;
    }

    /**
     * Reads one claimed job and registers its attempt with the dispatcher.
     *
     * @param row a row of the claim; its column {@code claimed} is JSON
     * @return the hook call, a map that the routes may change
     * @throws JsonProcessingException when the column is not JSON
     */
    public Map<String, Object> fromClaim(@Body Map<String, Object> row) throws JsonProcessingException {
        Map<String, Object> hookCall = Json.EXACT.forType(MAP).readValue((String) row.get("claimed"));
        hookCall.put("dispatcher", dispatcher.id());
        dispatcher.hold((String) hookCall.get("attemptId"));
        return hookCall;
    }

    /**
     * Releases the attempt at the end of this exchange, whether it succeeds or fails.
     *
     * @param exchange its body is the hook call
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
                // Otherwise the seda endpoint takes this completion over for its copy of the exchange, and the attempt
                // would be released at another exchange's end.
                return false;
            }
        });
    }
}
