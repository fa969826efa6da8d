package agentbus.cli;

import agentbus.contract.Contract;
import agentbus.contract.Operation;
import agentbus.contract.Problem;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Optional;

/** The calls of the drills: as the operator, and as the worker with the token of an attempt. */
final class DrillCalls {
    private final Contract contract;
    private final Settings settings;
    private final Optional<String> namespace;
    private final BusClient operator;

    /**
     * The calls of one run of the drills.
     *
     * @param contract the operations
     * @param settings the address of the bus and the operator's token
     * @param namespace the namespace of the calls; empty for that of the token
     */
    DrillCalls(Contract contract, Settings settings, Optional<String> namespace) {
        this.contract = contract;
        this.settings = settings;
        this.namespace = namespace;
        this.operator = new BusClient(settings);
    }

    /**
     * Calls an operation as the operator.
     *
     * @param operation its id
     * @param input its input, without the namespace; the call adds it
     * @return the answer
     * @throws Problem when the bus refuses, or gives no answer
     */
    JsonNode ask(String operation, ObjectNode input) {
        return call(operator, operation, input);
    }

    /**
     * Calls an operation with the token of an attempt.
     *
     * @param claimed the job as claim-jobs answered it
     * @param operation its id
     * @param input its input, without job and namespace; the call adds them
     * @return the answer
     * @throws Problem when the bus refuses, or gives no answer
     */
    JsonNode say(JsonNode claimed, String operation, ObjectNode input) {
        Settings own = new Settings(
                settings.url(), Optional.of(claimed.path("attemptToken").asText()), settings.timeout());
        input.put("jobId", claimed.path("jobId").asText());
        return call(new BusClient(own), operation, input);
    }

    private JsonNode call(BusClient client, String id, ObjectNode input) {
        Operation operation = contract.operation(id);
        namespace.ifPresent(name -> input.put("namespace", name));
        try {
            BusClient.Answer answer = client.call(operation, input);
            Optional<JsonNode> json = answer.json();
            if (answer.ok() && json.isPresent()) {
                return json.get();
            }
            throw json.flatMap(body -> Problem.fromJson(answer.status(), body))
                    .orElseGet(() -> Problem.of(
                            502,
                            "unavailable",
                            "The answer (HTTP status " + answer.status() + ") is none of agentbus."));
        } catch (BusClient.NoAnswer none) {
            throw Problem.of(503, "unavailable", none.getMessage());
        }
    }
}
