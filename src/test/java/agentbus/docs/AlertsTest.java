package agentbus.docs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The alerts of Prometheus against the runbook, the guide, the console and their tests. PrometheusFilesTest runs those. */
class AlertsTest {
    private static final Pattern CONSOLE =
            Pattern.compile("\\{\\{ \\$externalLabels\\.console \\}\\}/console/([a-z-]+)(?:\\?(.*))?");
    private static final Set<String> FILTERS = Set.of("namespace", "state", "targetAgent");

    /** One rule. */
    private record Alert(String name, JsonNode rule) {
        String annotation(String key) {
            return rule.at("/annotations/" + key).asText();
        }

        String severity() {
            return rule.at("/labels/severity").asText();
        }
    }

    private final List<Alert> alerts = alerts();

    private static List<Alert> alerts() {
        List<Alert> found = new ArrayList<>();
        yaml(Path.of("ops/prometheus/agentbus-alerts.yml")).get("groups").forEach(group -> group.get("rules")
                .forEach(rule -> found.add(new Alert(rule.path("alert").asText(), rule))));
        return found;
    }

    private static JsonNode yaml(Path file) {
        try {
            return Json.yaml().readTree(SourceFiles.text(file));
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    @Test
    void each_has_a_severity_a_summary_and_a_heading_of_the_runbook_that_names_it() {
        assertTrue(alerts.size() > 15);
        MarkdownPage runbook = MarkdownPage.read("docs/runbook.md");
        for (Alert alert : alerts) {
            assertTrue(Set.of("page", "ticket").contains(alert.severity()), alert.name());
            assertTrue(alert.annotation("summary").endsWith("."), alert.name());
            String[] entry = alert.annotation("runbook_url").split("#");
            assertEquals("docs/runbook.md", entry[0], alert.name());
            assertTrue(runbook.anchors().contains(entry[1]), alert.name() + " leads to " + entry[1]);
            assertTrue(
                    runbook.section(entry[1]).contains("`" + alert.name() + "`"), entry[1] + " names " + alert.name());
        }
    }

    @Test
    void the_runbook_names_no_other() {
        Set<String> named = MarkdownPage.read("docs/runbook.md").code().stream()
                .filter(word -> word.matches("Agentbus[A-Z]\\w+"))
                .collect(Collectors.toCollection(TreeSet::new));
        assertEquals(names(), named);
    }

    @Test
    void each_leads_to_a_page_of_the_console_with_a_filter_that_the_page_knows() {
        String pages = SourceFiles.text(Path.of("src/main/resources/console/pages.js"));
        for (Alert alert : alerts) {
            Matcher url = CONSOLE.matcher(alert.annotation("console_url"));
            assertTrue(url.matches(), alert.name());
            assertTrue(pages.contains("name: \"" + url.group(1) + "\""), alert.name());
            if (url.group(2) != null) {
                for (String field : url.group(2).split("&")) {
                    assertTrue(FILTERS.contains(field.replaceFirst("=.*", "")), alert.name() + ": " + field);
                }
            }
        }
    }

    @Test
    void gauges_of_the_database_are_never_added_up() {
        for (Alert alert : alerts) {
            String expression = alert.rule().get("expr").asText();
            if (expression.contains("sum")) {
                PromQl.selectors(expression)
                        .forEach(selector -> assertTrue(selector.metric().endsWith("_total"), alert.name()));
            }
        }
    }

    @Test
    void each_has_a_test_in_which_it_fires_one_in_which_it_rests_and_one_in_which_its_series_vanishes() {
        Map<String, List<String>> tested = new TreeMap<>();
        for (Path file : SourceFiles.below("ops/prometheus/tests", ".yml")) {
            for (JsonNode test : yaml(file).get("tests")) {
                String[] name = test.get("name").asText().split(": ", 2);
                String[] words = name[0].split(" ", 2);
                tested.computeIfAbsent(words[0], first -> new ArrayList<>()).add(words[1]);
                assertFalse(test.get("alert_rule_test").isEmpty());
                assertEquals(words[0], test.at("/alert_rule_test/0/alertname").asText());
            }
        }
        assertEquals(names(), tested.keySet());
        tested.forEach((alert, kinds) -> assertEquals(List.of("fires", "does not fire", "vanishes"), kinds, alert));
    }

    @Test
    void the_guide_lists_each_with_its_severity() {
        Map<String, String> listed = new TreeMap<>();
        for (List<String> row : MarkdownPage.read("docs/guide/monitoring.md").table("The alerts")) {
            listed.put(MarkdownPage.code(row.get(0)).get(0), row.get(1));
        }
        assertEquals(
                alerts.stream().collect(Collectors.toMap(Alert::name, Alert::severity, (a, b) -> a, TreeMap::new)),
                listed);
    }

    private Set<String> names() {
        return alerts.stream().map(Alert::name).collect(Collectors.toCollection(TreeSet::new));
    }

    /** The expressions of all alerts. */
    static List<String> expressions() {
        return alerts().stream().map(alert -> alert.rule().get("expr").asText()).toList();
    }
}
