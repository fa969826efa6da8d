package agentbus.health;

import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.MultiGauge.Row;
import io.micrometer.core.instrument.Tags;
import java.util.List;
import java.util.Map;
import org.apache.camel.Body;

/**
 * The metrics of the restore drills, which come from the database, so every node shows the same values. A number that is
 * not known has no series: there are none at all before the first drill.
 */
public final class DrillMeters {
    private final MultiGauge lastGood;
    private final MultiGauge ok;
    private final MultiGauge rto;
    private final MultiGauge rpo;

    /**
     * Metrics in one registry.
     *
     * @param registry the registry behind {@code /observe/metrics}
     */
    public DrillMeters(MeterRegistry registry) {
        this.lastGood = MultiGauge.builder("agentbus.last.restore.drill.timestamp.seconds")
                .description("When the newest restore drill that passed ended, in seconds since 1970.")
                .register(registry);
        this.ok = MultiGauge.builder("agentbus.last.restore.drill.ok")
                .description("Whether the newest restore drill passed: 1 or 0.")
                .register(registry);
        this.rto = MultiGauge.builder("agentbus.last.restore.drill.rto.seconds")
                .description("How long the newest restore drill took until a bus answered.")
                .register(registry);
        this.rpo = MultiGauge.builder("agentbus.last.restore.drill.rpo.seconds")
                .description("How old the export of the newest restore drill was.")
                .register(registry);
    }

    /**
     * Publishes the numbers of the drills.
     *
     * @param rows one with a column {@code drill}, JSON: lastGoodSeconds, ok, rtoSeconds, rpoSeconds; none before the
     *     first drill
     * @throws JsonProcessingException when the database's answer is not JSON
     */
    public void drilled(@Body List<Map<String, Object>> rows) throws JsonProcessingException {
        JsonNode drill =
                rows.isEmpty() ? Json.object() : Json.read((String) rows.get(0).get("drill"));
        publish(lastGood, drill.path("lastGoodSeconds"));
        publish(ok, drill.path("ok"));
        publish(rto, drill.path("rtoSeconds"));
        publish(rpo, drill.path("rpoSeconds"));
    }

    private static void publish(MultiGauge gauge, JsonNode value) {
        gauge.register(
                value.isMissingNode()
                        ? List.of()
                        : List.of(Row.of(
                                Tags.empty(), value.isBoolean() ? (value.asBoolean() ? 1 : 0) : value.asDouble())),
                true);
    }
}
