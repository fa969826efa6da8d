package agentbus.docs;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestBus;
import agentbus.harness.TestDatabase;
import agentbus.harness.TestFleet;
import agentbus.harness.TestJobs;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The table of metrics in docs/operations.md against the sources, and against what a bus shows at /observe/metrics. */
@ExtendWith(PostgresExtension.class)
class MetricsTableTest {
    private static final Pattern SERIES =
            Pattern.compile("(?m)^(agentbus_[a-z_]+?)(?:_bucket|_count|_sum|_max)?(?:\\{(.*)\\})? \\S+$");
    private static final Pattern LABEL = Pattern.compile("([a-zA-Z]+)=\"");

    @TempDir
    Path home;

    @Test
    void it_names_every_metric_that_the_sources_register_and_no_other() {
        Set<String> registered = Meters.prometheusNames();
        assertTrue(registered.size() >= 8, registered::toString);
        assertEquals(registered, documented().keySet());
    }

    @Test
    void the_labels_are_those_of_a_scrape(TestDatabase database) throws Exception {
        try (TestFleet fleet = TestFleet.of(home, Duration.ZERO, "ann");
                TestBus bus = start(database, fleet)) {
            TestJobs jobs = new TestJobs(database.jdbc());
            jobs.awaitState(jobs.enqueue("ann"), "succeeded");
            jobs.enqueue("ann", "{\"delaySeconds\": 3600}");
            bus.call("GET", "/v1/health", "abo_nobody-has-this-token", null);

            Map<String, Set<String>> documented = documented();
            await().atMost(Duration.ofSeconds(60)).untilAsserted(() -> {
                Map<String, Set<String>> scraped = scrape(bus);
                assertTrue(scraped.keySet().containsAll(List.of("agentbus_jobs", "agentbus_jobs_moved_total")));
                scraped.forEach((name, labels) -> assertEquals(documented.get(name), labels, name));
            });
        }
    }

    /** The labels of each metric of ours, by the table. */
    private static Map<String, Set<String>> documented() {
        Map<String, Set<String>> labels = new TreeMap<>();
        for (List<String> row : MarkdownPage.read("docs/operations.md").table("Metrics")) {
            for (String name : MarkdownPage.code(row.get(0))) {
                if (name.startsWith("agentbus_")) {
                    Set<String> named = new TreeSet<>(List.of(row.get(1).split(", ")));
                    named.remove("");
                    labels.put(name, named);
                }
            }
        }
        return labels;
    }

    private static Map<String, Set<String>> scrape(TestBus bus) throws Exception {
        Map<String, Set<String>> labels = new TreeMap<>();
        String text = bus.call("GET", "/observe/metrics", null, null).body();
        for (MatchResult series : SERIES.matcher(text).results().toList()) {
            Set<String> named = labels.computeIfAbsent(series.group(1), first -> new TreeSet<>());
            if (series.group(2) != null) {
                LABEL.matcher(series.group(2)).results().forEach(label -> named.add(label.group(1)));
            }
            // The bucket's bound, which every histogram has, and the label that Camel gives a route's counter.
            named.removeAll(Set.of("le", "camelContext"));
        }
        return labels;
    }

    private TestBus start(TestDatabase database, TestFleet fleet) {
        return TestBus.start(
                database,
                fleet.gateway(),
                home,
                "agentbus.agents.dir",
                fleet.directory(),
                "agentbus.metrics.queue-seconds",
                "1");
    }
}
