package agentbus.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;

/** Prints the health of the bus for people: problems first, then numbers, then dispatchers. */
final class HealthCard {
    private static final List<String> COLUMNS =
            List.of("id", "host", "version", "status", "wakeSource", "leases", "lastSeen");
    private static final List<String> RATES = List.of(
            "sourceAgent", "made", "decided", "accepted", "acceptanceRate", "hits", "misses", "hitRate", "halfBudget");

    private final JsonNode health;
    private final List<String> shown = new ArrayList<>(List.of("status", "problems", "dispatchers", "proposalRates"));

    HealthCard(JsonNode health) {
        this.health = health;
    }

    /** Prints the card. */
    void print(PrintStream out, OptionalInt width) {
        out.println(Cell.line(health.get("status")));
        health.path("problems").forEach(problem -> out.println("  - " + Cell.sentence(problem)));
        new KeyValues(Map.of())
                // In the order of a job's life.
                .add("queue", counts(names("waiting", "queued", "live", "blocked", "dead")))
                .add("oldest", oldest())
                .add("last 24 h", counts(last24Hours()))
                .add("orders", orders())
                .add("slots 24 h", counts(slots()))
                .add("proposals", proposals())
                .add("memories", memories())
                .add("trouble", counts(trouble()))
                .add("namespace", take("namespace"))
                .add("version", version())
                .addAll(rest(), List.of())
                .print(out, width);
        printDispatchers(out, width);
        if (health.path("proposalRates") instanceof ArrayNode rates) {
            out.println();
            new TextTable(rates, RATES).print(out, "", width);
        }
    }

    private JsonNode rest() {
        // The table below shows one line for each dispatcher instead.
        shown.addAll(List.of("dispatchersHealthy", "dispatchersStale", "leasesOwned"));
        var rest = JsonNodeFactory.instance.objectNode();
        health.properties().stream()
                .filter(field -> !shown.contains(field.getKey()))
                .forEach(field -> rest.set(field.getKey(), field.getValue()));
        return rest;
    }

    private static Map<String, String> names(String... names) {
        Map<String, String> said = new LinkedHashMap<>();
        for (String name : names) {
            said.put(name, name);
        }
        return said;
    }

    private static Map<String, String> last24Hours() {
        Map<String, String> said = new LinkedHashMap<>();
        for (String end : List.of("succeeded", "failed", "dead", "cancelled")) {
            said.put(end + "24h", end);
        }
        return said;
    }

    private static Map<String, String> slots() {
        Map<String, String> said = new LinkedHashMap<>();
        said.put("runsStarted", "under way");
        said.put("runsCompleted24h", "completed");
        said.put("runsNoWork24h", "no work");
        said.put("runsBlocked24h", "blocked");
        said.put("runsFailed24h", "failed");
        said.put("runsSkipped24h", "skipped");
        said.put("runsMissed24h", "missed");
        return said;
    }

    /** The open proposals and the decisions of a day; empty when there are none, as without phase 3. */
    private String proposals() {
        Map<String, String> said = new LinkedHashMap<>();
        said.put("ideasOpen", "ideas open");
        said.put("opportunitiesOpen", "opportunities open");
        said.put("opportunitiesUndecided", "undecided");
        said.put("opportunitiesConverted24h", "converted in 24 h");
        said.put("opportunitiesRejected24h", "rejected in 24 h");
        return countsIfAny(said);
    }

    /** The memories, and what waits for a curator; empty when there is neither, as without phase 4. */
    private String memories() {
        Map<String, String> said = new LinkedHashMap<>();
        said.put("memoriesActive", "active");
        said.put("memoryCandidatesOpen", "candidates open");
        said.put("memoryReviewsOpen", "reviews open");
        return countsIfAny(said);
    }

    private String countsIfAny(Map<String, String> said) {
        boolean some =
                said.keySet().stream().anyMatch(field -> health.path(field).asLong() > 0);
        String counts = counts(said);
        return some ? counts : "";
    }

    private static Map<String, String> trouble() {
        Map<String, String> said = new LinkedHashMap<>();
        said.put("expiredLeases", "expired leases");
        said.put("retryHotspots", "jobs with three attempts or more");
        return said;
    }

    private String orders() {
        String number = take("standingOrders");
        return number.equals("0") ? "off: no schedule runs until a node has agentbus.orders.enabled=true" : number;
    }

    private String oldest() {
        List<String> ages = new ArrayList<>();
        for (String state : List.of("queued", "blocked", "undecided", "memoryReview")) {
            String field = "oldest" + state.substring(0, 1).toUpperCase(Locale.ROOT) + state.substring(1) + "Seconds";
            shown.add(field);
            if (health.path(field).asDouble() > 0) {
                ages.add(Text.words(state) + " for "
                        + Text.age(health.path(field).asDouble()));
            }
        }
        return String.join(", ", ages);
    }

    private String version() {
        String commit = take("commit");
        return take("version") + (commit.isEmpty() ? "" : " (commit " + commit + ")");
    }

    private String counts(Map<String, String> wordsByField) {
        List<String> counts = new ArrayList<>();
        wordsByField.forEach((field, words) -> {
            String count = take(field);
            if (!count.isEmpty()) {
                counts.add(words + " " + count);
            }
        });
        return String.join(", ", counts);
    }

    private String take(String field) {
        shown.add(field);
        return Cell.line(health.get(field));
    }

    private void printDispatchers(PrintStream out, OptionalInt width) {
        ArrayNode rows = JsonNodeFactory.instance.arrayNode();
        for (JsonNode dispatcher : health.path("dispatchers")) {
            boolean deaf = dispatcher.path("wakeSource").asText().equals("listen")
                    && !dispatcher.path("listenerConnected").asBoolean(true);
            rows.addObject()
                    .put("id", Cell.line(dispatcher.get("dispatcherId")))
                    .put("host", Cell.line(dispatcher.get("host")))
                    .put("version", Cell.line(dispatcher.get("version")))
                    .put("status", Cell.line(dispatcher.get("status")))
                    .put("wakeSource", Cell.line(dispatcher.get("wakeSource")) + (deaf ? " (not connected)" : ""))
                    .put("leases", dispatcher.path("leasesOwned").asLong())
                    .put("lastSeen", Text.age(dispatcher.path("ageSeconds").asDouble()) + " ago");
        }
        if (!rows.isEmpty()) {
            out.println();
            new TextTable(rows, COLUMNS).print(out, "", width);
        }
    }
}
