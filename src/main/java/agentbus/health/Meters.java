package agentbus.health;

import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Map;
import org.apache.camel.Body;
import org.apache.camel.Variable;

/**
 * The metrics that count the work of this node, so the total is the sum over all nodes. {@link Gauges} has the others.
 *
 * <ul>
 *   <li>{@code agentbus_hook_calls_total{agent,outcome}}: admitted, undelivered, busy, unknown, timed_out, refused
 *   <li>{@code agentbus_dispatch_latency_seconds}: from a job's due time to its admission
 *   <li>{@code agentbus_jobs_moved_total{agent,to,cause}}: to is the new state (a retry counts as queued, a dead letter
 *     as dead); cause is closed, lease_lost, unblocked or idle_stopped
 *   <li>{@code agentbus_memory_recall_seconds{outcome}}: how long the choice of memories for a prompt took; found, nothing,
 *     failed
 *   <li>{@code agentbus_api_calls_total{operation,status}}
 *   <li>{@code agentbus_calls_limited_total{reason}}: too_many_calls, too_many_bad_tokens; and {@code
 *     agentbus_bad_tokens_total}
 * </ul>
 */
public final class Meters {

    private final MeterRegistry registry;
    private final Timer latency;

    /**
     * Metrics in one registry.
     *
     * @param registry the registry behind {@code /observe/metrics}
     */
    public Meters(MeterRegistry registry) {
        this.registry = registry;
        this.latency = Timer.builder("agentbus.dispatch.latency")
                .description("From the moment a job was due to its admission by the gateway.")
                .publishPercentileHistogram()
                .minimumExpectedValue(Duration.ofMillis(1))
                .maximumExpectedValue(Duration.ofMinutes(10))
                .register(registry);
    }

    /**
     * Counts a hook call; records the dispatch latency if it was admitted.
     *
     * @param answer the answer of the {@code hook_} function, JSON text
     * @param hookCall the hook call
     * @throws JsonProcessingException when the database's answer is not JSON
     */
    public void hookCalled(@Body String answer, @Variable("hookCall") Map<String, Object> hookCall)
            throws JsonProcessingException {
        JsonNode noted = Json.read(answer);
        String outcome = noted.path("outcome").asText();
        registry.counter("agentbus.hook.calls", "agent", (String) hookCall.get("targetAgent"), "outcome", outcome)
                .increment();
        if (outcome.equals("admitted")) {
            latency.record(Duration.ofMillis(noted.path("waitedMs").asLong()));
        } else if (noted.path("applied").asBoolean()) {
            moved(noted.path("job"), outcome);
        }
    }

    /**
     * Counts a job that the recovery has moved.
     *
     * @param row a row of the recovery; its column {@code moved} is JSON
     * @throws JsonProcessingException when the database's answer is not JSON
     */
    public void recovered(@Body Map<String, Object> row) throws JsonProcessingException {
        JsonNode job = Json.read((String) row.get("moved"));
        moved(job, job.path("what").asText());
    }

    /**
     * Counts a choice of memories for a prompt, with its time.
     *
     * @param outcome found, nothing, failed or skipped
     * @param nanos the time that it took, in nanoseconds
     */
    public void memoriesRecalled(String outcome, long nanos) {
        Timer.builder("agentbus.memory.recall")
                .description("How long the choice of the memories for a prompt took.")
                .tags("outcome", outcome)
                .register(registry)
                .record(Duration.ofNanos(nanos));
    }

    /**
     * Counts a call of an operation through any door.
     *
     * @param operation the operation's id, or none
     * @param status the HTTP status of its answer
     */
    public void apiCalled(String operation, int status) {
        registry.counter("agentbus.api.calls", "operation", operation, "status", Integer.toString(status))
                .increment();
    }

    /**
     * Counts a job whose attempt was closed.
     *
     * @param job the job after the close
     */
    public void jobClosed(JsonNode job) {
        moved(job, "closed");
    }

    /**
     * Counts a call that a rate limit refused.
     *
     * @param reason the problem's code
     */
    public void callLimited(String reason) {
        registry.counter("agentbus.calls.limited", "reason", reason).increment();
    }

    /** Counts a call with an unknown token. */
    public void badToken() {
        registry.counter("agentbus.bad.tokens").increment();
    }

    private void moved(JsonNode job, String cause) {
        Counter.builder("agentbus.jobs.moved")
                .description("Jobs that this node has moved, by the state they reached and why.")
                .tags(
                        "agent",
                        job.path("targetAgent").asText(),
                        "to",
                        job.path("state").asText(),
                        "cause",
                        cause)
                .register(registry)
                .increment();
    }
}
