package agentbus.calls;

import agentbus.contract.Contract;
import agentbus.contract.Operation;
import agentbus.contract.Problem;
import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Map;
import org.apache.camel.Exchange;

/** The door for routes: checks a job that a route wants enqueued as the HTTP door checks one. */
public final class RouteJobs {

    private final Operation enqueue;

    /**
     * A door to one operation of a contract.
     *
     * @param contract the contract
     */
    public RouteJobs(Contract contract) {
        this.enqueue = contract.operation("enqueueJob");
    }

    /**
     * Checks a job and says in whose name it is asked for.
     *
     * @param exchange with the job as its body: a map, or a JSON object as text, bytes or a stream
     * @return the parameters of the statement: principal and input, JSON text
     * @throws Problem when the body is no such job
     * @throws JsonProcessingException when a map holds what JSON cannot
     */
    public Map<String, Object> check(Exchange exchange) throws JsonProcessingException {
        // With such a header the asking route's sender, not the file, would say which statement runs.
        exchange.getMessage().removeHeaders("CamelSql*");
        Object body = exchange.getMessage().getBody();
        byte[] json = body instanceof Map<?, ?> || body instanceof ObjectNode
                ? Json.bytes(body)
                : exchange.getMessage().getBody(byte[].class);
        ObjectNode input = enqueue.read(
                Map.of(), Map.<String, List<String>>of(), json == null ? new byte[0] : json, "application/json");
        ObjectNode principal = Json.object().put("kind", "operator").put("name", "route:" + exchange.getFromRouteId());
        return Map.of("principal", principal.toString(), "input", input.toString());
    }
}
