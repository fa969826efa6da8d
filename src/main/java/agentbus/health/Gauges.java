package agentbus.health;

import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.MultiGauge.Row;
import io.micrometer.core.instrument.Tags;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.camel.Body;
import org.apache.camel.CamelContext;
import org.apache.camel.health.HealthCheck;
import org.apache.camel.health.HealthCheck.State;
import org.apache.camel.health.HealthCheckHelper;

/**
 * The gauges that the route measure-queue renews at a steady pace. All but {@code agentbus_node_check} come from the SQL
 * function {@code measures} and have the same value on every node. Each measurement replaces the one before, so the series
 * of a lane, a gateway or a cause ends with it.
 */
public final class Gauges {
    private final MeterRegistry registry;
    /** By the name that Prometheus shows, which is also the name in SQL. */
    private final Map<String, MultiGauge> measured = new HashMap<>();

    private final MultiGauge nodeChecks;

    /**
     * Gauges in one registry.
     *
     * @param registry the registry behind {@code /observe/metrics}
     */
    public Gauges(MeterRegistry registry) {
        this.registry = registry;
        this.gauge("agentbus.jobs", "Jobs that have not ended, and dead letters, by agent and state.");
        this.gauge(
                "agentbus.oldest.seconds",
                "Age of the oldest of them: since it was due when queued, since its last change otherwise.");
        this.gauge("agentbus.due.seconds", "How long the oldest due job has waited in a lane that nothing holds.");
        this.gauge("agentbus.questions.open", "Questions, reviews and approvals that wait for the answer of a person.");
        this.gauge("agentbus.questions.oldest.seconds", "Age of the oldest of them.");
        this.gauge("agentbus.paused", "What people have paused, drained, stopped, frozen or disabled, by kind.");
        this.gauge("agentbus.paused.oldest.seconds", "Age of the oldest of them.");
        this.gauge("agentbus.needs.me", "Items of needs-me, by kind.");
        this.gauge("agentbus.needs.me.oldest.seconds", "Age of the oldest of them.");
        this.gauge("agentbus.health", "Whether a check of health finds no problem: 1, else 0.");
        this.gauge("agentbus.dispatchers", "Dispatchers that serve the namespace, by status.");
        this.gauge("agentbus.listener.up", "Whether the healthy dispatchers hear the notifications of the database.");
        this.gauge("agentbus.gateway.takes.work", "Whether nothing keeps a gateway from its jobs: 1, else 0.");
        this.gauge("agentbus.gateway.runs", "Runs in flight on a gateway.");
        this.gauge("agentbus.gateway.max.in.flight", "The most runs at once on a gateway.");
        this.gauge("agentbus.lanes.stopped", "Lanes that the bus has stopped because their gateway refuses calls.");
        this.gauge("agentbus.standing.orders", "Standing orders with a problem, by its kind.");
        this.gauge("agentbus.slots.unsettled", "Due slots of standing orders that no node settles.");
        this.gauge("agentbus.proposals", "Open ideas and opportunities, by status.");
        this.gauge("agentbus.proposals.oldest.seconds", "How long the oldest of them is untouched.");
        this.gauge("agentbus.memories", "Active memories, by kind.");
        this.gauge("agentbus.memory.candidates", "Memory candidates that nobody has decided, by trust.");
        this.gauge("agentbus.memory.candidates.oldest.seconds", "Age of the oldest of them.");
        this.gauge("agentbus.memory.reviews", "Open reviews of memories, by kind.");
        this.gauge("agentbus.memory.reviews.oldest.seconds", "Age of the oldest of them.");
        this.gauge("agentbus.idle.runs", "Idle runs of the last 14 days that have begun, by outcome.");
        this.gauge("agentbus.idle.tokens", "Tokens that these runs have spent.");
        this.gauge("agentbus.idle.cost.usd", "US dollars that these runs have spent.");
        this.gauge("agentbus.idle.yield", "Outputs of these runs that somebody wanted, for each judged run.");
        this.gauge("agentbus.idle.cadence", "How often the agent thinks: 1 as its standing order says.");
        this.gauge("agentbus.database.watch", "A value of the database to watch; docs/operations.md has the units.");
        this.gauge("agentbus.database.worry", "Whether that value is above its threshold: 1, else 0.");
        this.gauge(
                "agentbus.last.restore.drill.timestamp.seconds",
                "When the newest restore drill that passed ended, in seconds since 1970.");
        this.gauge("agentbus.last.restore.drill.ok", "Whether the newest restore drill passed: 1 or 0.");
        this.gauge(
                "agentbus.last.restore.drill.rto.seconds",
                "How long the newest restore drill took until a bus answered.");
        this.gauge("agentbus.last.restore.drill.rpo.seconds", "How old the export of the newest restore drill was.");
        this.gauge("agentbus.vault.exported.seconds", "How long ago the last export of a vault ended well.");
        this.gauge("agentbus.vault.verified.seconds", "How long ago a vault was last compared with the database.");
        this.gauge("agentbus.vault.differences", "Differences that this comparison found, without edited notes.");
        this.gauge("agentbus.vault.edited.notes", "Notes that people have edited and nobody has imported.");
        this.gauge("agentbus.first.start.timestamp.seconds", "When this bus began, in seconds since 1970.");
        this.gauge("agentbus.measured.timestamp.seconds", "When these gauges were measured, in seconds since 1970.");
        this.nodeChecks = MultiGauge.builder("agentbus.node.check")
                .description("Whether a readiness check of this node is up: 1, else 0.")
                .register(registry);
    }

    private void gauge(String name, String description) {
        measured.put(
                name.replace('.', '_'),
                MultiGauge.builder(name).description(description).register(registry));
    }

    /**
     * Publishes a measurement.
     *
     * @param rows the rows of {@code measures}: metric, labels (a JSON object as text) and value
     * @throws JsonProcessingException when the labels are not JSON
     */
    public void publish(@Body List<Map<String, Object>> rows) throws JsonProcessingException {
        Map<String, List<Row<?>>> byMetric = new HashMap<>();
        for (Map<String, Object> row : rows) {
            Tags tags = Tags.empty();
            for (Map.Entry<String, JsonNode> label :
                    Json.read((String) row.get("labels")).properties()) {
                tags = tags.and(label.getKey(), label.getValue().asText());
            }
            byMetric.computeIfAbsent((String) row.get("metric"), first -> new ArrayList<>())
                    .add(Row.of(tags, (Number) row.get("value")));
        }
        // A row that is not named here comes from the functions of a newer node.
        measured.forEach((name, gauge) -> gauge.register(byMetric.getOrDefault(name, List.of()), true));
    }

    /**
     * Asks the readiness checks of this node, and publishes the answers. Needs no database, so it also tells that the
     * database is away.
     *
     * @param camel the context of this node
     */
    public void checkNode(CamelContext camel) {
        List<Row<?>> rows = new ArrayList<>();
        for (HealthCheck.Result result : HealthCheckHelper.invokeReadiness(camel)) {
            rows.add(Row.of(Tags.of("check", result.getCheck().getId()), result.getState() == State.UP ? 1 : 0));
        }
        nodeChecks.register(rows, true);
    }
}
