package agentbus.dispatch;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.Variable;
import org.apache.camel.support.SynchronizationAdapter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Turns what a claim returned into deliveries: maps that travel through the dispatch routes as the message body. Their keys
 * are the job's fields as the contract names them, with {@code attemptId}, {@code attemptNo}, {@code nonce}, {@code gateway},
 * {@code deliveries}, {@code prompt} once there is one, and {@code dispatcher}.
 */
public final class Deliveries {
    private static final Logger LOG = LoggerFactory.getLogger(Deliveries.class);
    /** A payload's numbers keep every digit. */
    private static final ObjectMapper JSON =
            new ObjectMapper().enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS);

    private static final TypeReference<LinkedHashMap<String, Object>> MAP = new TypeReference<>() {};

    private final Dispatcher dispatcher;

    /**
     * Deliveries of one dispatcher.
     *
     * @param dispatcher whose they are
     */
    public Deliveries(Dispatcher dispatcher) {
        this.dispatcher = dispatcher;
    }

    /**
     * Reads what a claim returned.
     *
     * @param rows the rows; their column {@code claimed} is JSON
     * @return a delivery for each
     * @throws JsonProcessingException when the database answered something else than JSON
     */
    public List<Map<String, Object>> read(@Body List<Map<String, Object>> rows) throws JsonProcessingException {
        List<Map<String, Object>> deliveries = new ArrayList<>(rows.size());
        for (Map<String, Object> row : rows) {
            Map<String, Object> delivery = JSON.readValue((String) row.get("claimed"), MAP);
            delivery.put("dispatcher", dispatcher.id());
            deliveries.add(delivery);
        }
        return deliveries;
    }

    /**
     * Takes in hand those whose prompts are kept. Before that nothing renews a lease: what fails on the way here is free
     * again within seconds.
     *
     * @param kept the rows of {@code keep_prompts}: attempt_id and prompt
     * @param deliveries all of the batch
     * @return the deliveries to make, each with its prompt; one that is not among the kept is another dispatcher's by now
     */
    public List<Map<String, Object>> take(
            @Body List<Map<String, Object>> kept, @Variable("deliveries") List<Map<String, Object>> deliveries) {
        Map<Object, Object> prompts = new HashMap<>();
        kept.forEach(row -> prompts.put(row.get("attempt_id"), row.get("prompt")));
        List<Map<String, Object>> ours = new ArrayList<>(deliveries.size());
        for (Map<String, Object> delivery : deliveries) {
            String attemptId = (String) delivery.get("attemptId");
            if (prompts.containsKey(attemptId)) {
                delivery.put("prompt", prompts.get(attemptId));
                dispatcher.take(attemptId);
                ours.add(delivery);
            } else {
                LOG.warn("Attempt {} is no longer ours; nothing was sent.", attemptId);
            }
        }
        return ours;
    }

    /**
     * Opens a delivery's own exchange: the attempt leaves the dispatcher's hands when that exchange ends, however it ends.
     *
     * @param exchange with the delivery as its body
     */
    public void open(Exchange exchange) {
        String attemptId = (String) exchange.getMessage().getBody(Map.class).get("attemptId");
        exchange.getExchangeExtension().addOnCompletion(new SynchronizationAdapter() {
            @Override
            public void onDone(Exchange done) {
                dispatcher.letGo(attemptId);
            }

            @Override
            public boolean allowHandover() {
                // The routes that call each other share this exchange; it must not be let go before its own end.
                return false;
            }
        });
    }
}
