package agentbus.routes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * How many transactions the timers of a bus without work have: one node with all phases and one gateway, the default
 * settings, no page of the console open. They are counted from the route files.
 */
class IdleTimersTest {
    private static final Pattern SETTING = Pattern.compile("\\{\\{([a-z.-]+)}}");
    private static final Pattern PERIOD = Pattern.compile("(\\d+)(s|m|)");

    /** The share of its ticks that a filter lets pass then, by a word of its condition. Any other filter lets none pass. */
    private static final Map<String, Double> PASSED = Map.of(
            "started",
            1.0,
            "begun",
            1.0,
            "recoveryDue",
            1 / 4.0,
            "sweepDue",
            1 / 4.0,
            "runsDue",
            1 / 3.0,
            "countDue",
            1 / 4.0,
            "questionsDue",
            1 / 3.0,
            // Every 20 s, and a check every 5 s.
            "mustBeWritten",
            1 / 4.0);

    private static final Map<String, JsonNode> BY_SOURCE = new HashMap<>();
    private static final Properties SETTINGS = new Properties();

    @BeforeAll
    static void read() throws IOException {
        RouteFilesTest.files()
                .filter(file -> !file.toString().contains("/demo/"))
                .flatMap(RouteFilesTest::routesOf)
                .forEach(route -> BY_SOURCE.put(route.at("/from/uri").asText(), route));
        try (Reader file = Files.newBufferedReader(Path.of("src/main/resources/application.properties"))) {
            SETTINGS.load(file);
        }
    }

    @Test
    void a_bus_without_work_has_at_most_60_transactions_a_minute() {
        Map<String, Double> counts = new TreeMap<>();
        BY_SOURCE.forEach((source, route) -> {
            if (source.startsWith("timer:")) {
                counts.put(route.path("id").asText(), transactions(route.at("/from/steps")) * 60_000 / periodMs(route));
            }
        });
        double sum = counts.values().stream().mapToDouble(Double::doubleValue).sum();
        assertEquals(15, counts.get("write-heartbeat"), "the timers are not understood: " + counts);
        assertTrue(sum <= 60, sum + " a minute: " + counts);
    }

    private static double periodMs(JsonNode route) {
        String period = route.at("/from/parameters/period").asText();
        Matcher setting = SETTING.matcher(period);
        if (setting.find()) {
            period = setting.replaceFirst(SETTINGS.getProperty(setting.group(1)));
        }
        Matcher parts = PERIOD.matcher(period);
        assertTrue(parts.matches(), period);
        int unitMs =
                switch (parts.group(2)) {
                    case "s" -> 1000;
                    case "m" -> 60_000;
                    default -> 1;
                };
        return Integer.parseInt(parts.group(1)) * unitMs;
    }

    private static double transactions(JsonNode steps) {
        double sum = 0;
        for (JsonNode step : steps) {
            sum += transactionsOf(step);
        }
        return sum;
    }

    private static double transactionsOf(JsonNode step) {
        if (step.has("to")) {
            return transactionsOfCall(step.get("to"));
        }
        if (step.has("filter")) {
            return passed(step.get("filter")) * transactions(step.at("/filter/steps"));
        }
        if (step.has("split")) {
            // The rows of a statement are work; a split over gateways has one.
            return step.at("/split/simple").isTextual() ? 0 : transactions(step.at("/split/steps"));
        }
        if (step.has("loop")) {
            return transactions(step.at("/loop/steps"));
        }
        // The database's readiness: whether it takes changes.
        return step.at("/bean/method").asText().equals("checkNode") ? 1 : 0;
    }

    private static double transactionsOfCall(JsonNode call) {
        String uri = call.isTextual() ? call.asText() : call.path("uri").asText();
        if (!uri.startsWith("sql:")) {
            return BY_SOURCE.containsKey(uri) ? transactions(BY_SOURCE.get(uri).at("/from/steps")) : 0;
        }
        // Without this parameter, or a parameter in the statement, camel-sql asks the server first.
        return call.at("/parameters/parametersCount").asInt() > 0 ? 1 : 2;
    }

    private static double passed(JsonNode filter) {
        String condition =
                filter.path("simple").asText() + filter.at("/method/method").asText();
        return PASSED.entrySet().stream()
                .filter(entry -> condition.contains(entry.getKey()))
                .mapToDouble(Map.Entry::getValue)
                .findAny()
                .orElse(0);
    }
}
