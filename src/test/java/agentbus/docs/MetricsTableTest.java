package agentbus.docs;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.demo.AgentScript;
import agentbus.demo.Outcome;
import agentbus.dispatch.MemoryRecall;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestBus;
import agentbus.harness.TestDatabase;
import agentbus.harness.TestFleet;
import agentbus.harness.TestJobs;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The table of metrics in docs/operations.md against the sources, and against what a bus shows at /observe/metrics. */
@ExtendWith(PostgresExtension.class)
class MetricsTableTest {
    private static final Pattern SERIES =
            Pattern.compile("(?m)^(agentbus_[a-z_]+?)(?:_bucket|_count|_sum|_max)?(?:\\{(.*)\\})? \\S+$");
    private static final Pattern ANY_SERIES = Pattern.compile("(?m)^([a-z][a-z0-9_]+)(?:\\{(.*)\\})? \\S+$");
    private static final Pattern LABEL = Pattern.compile("([a-zA-Z]+)=\"");

    /** The labels that Prometheus gives each series by itself. */
    private static final Set<String> OF_PROMETHEUS = Set.of("job", "instance");

    @TempDir
    Path home;

    @Test
    void it_names_every_metric_that_the_sources_register_and_no_other() {
        Set<String> registered = Meters.prometheusNames();
        assertTrue(registered.size() >= 8, registered::toString);
        assertEquals(registered, documented().keySet());
    }

    @Test
    void the_functions_of_the_database_measure_no_gauge_that_the_bus_does_not_show() {
        Set<String> measured = Pattern.compile("'(agentbus_[a-z_]+)'")
                .matcher(SourceFiles.text(Path.of("sql/functions/upkeep/R__measures.sql")))
                .results()
                .map(metric -> metric.group(1))
                .collect(Collectors.toCollection(TreeSet::new));
        assertTrue(measured.size() > 15, measured::toString);
        assertEquals(Set.of(), minus(measured, Meters.prometheusNames()));
    }

    @Test
    void the_labels_are_those_of_a_scrape_and_alerts_and_dashboard_select_what_is_in_it(TestDatabase database)
            throws Exception {
        Map<String, AgentScript> scripts = new HashMap<>(TestFleet.each(Duration.ZERO, "ann"));
        scripts.put(
                "asks", AgentScript.always(new Outcome.Ask(Duration.ZERO, "Which host?", List.of(), "two are there")));
        scripts.put(
                "fails",
                AgentScript.always(new Outcome.Fail(Duration.ZERO, "no disk", Optional.of(Duration.ofSeconds(1)))));
        try (TestFleet fleet = new TestFleet(home, 1, scripts, options -> options);
                TestBus bus = start(database, fleet)) {
            makeEverySeriesAppear(database, bus);

            Map<String, Set<String>> documented = documented();
            await().atMost(Duration.ofSeconds(60)).untilAsserted(() -> {
                String scraped = bus.call("GET", "/observe/metrics", null, null).body();
                Map<String, Set<String>> ours = series(SERIES, scraped);
                ours.forEach((name, labels) -> assertEquals(documented.get(name), labels, name));
                assertEquals(Set.of(), minus(documented.keySet(), ours.keySet()), "documented and not in the scrape");
                Map<String, Set<String>> all = series(ANY_SERIES, scraped);
                for (String expression : expressions()) {
                    for (PromQl.Selector selector : PromQl.selectors(expression)) {
                        Set<String> labels = all.get(selector.metric());
                        assertTrue(labels != null, selector.metric() + " of " + expression + " is not in the scrape");
                        assertEquals(Set.of(), minus(selector.labels(), labels), expression);
                    }
                }
            });
        }
    }

    private static Set<String> minus(Set<String> names, Set<String> others) {
        Set<String> rest = new TreeSet<>(names);
        rest.removeAll(others);
        rest.removeAll(OF_PROMETHEUS);
        return rest;
    }

    private static List<String> expressions() {
        return Stream.concat(AlertsTest.expressions().stream(), Dashboard.read().expressions().stream())
                .toList();
    }

    /** Makes something happen for each metric that has no series before. */
    private static void makeEverySeriesAppear(TestDatabase database, TestBus bus) throws Exception {
        TestJobs jobs = new TestJobs(database.jdbc());
        jobs.awaitState(jobs.enqueue("ann"), "succeeded");
        jobs.enqueue("ann", "{\"delaySeconds\": 3600}");
        jobs.awaitState(jobs.enqueue("asks"), "blocked");
        jobs.awaitState(jobs.enqueue("fails", "{\"maxAttempts\": 1}"), "dead");
        database.jdbc()
                .update(
                        "insert into restore_drills (started_at, ended_at, ok, rto_seconds, rpo_seconds, source, findings)"
                                + " values (now(), now(), true, 1, 1, 'a.zip', '[]')");
        database.jdbc()
                .update("insert into ideas (namespace, source_agent, theme, title, body)"
                        + " values ('default', 'ann', 'toil', 'One script less', 'Two scripts do the same.')");
        database.jdbc()
                .execute(
                        """
                        with memory as (
                          insert into memories (namespace, source_agent, promoted_by, notes, kind, scope, title, body,
                            evidence, source_refs, confidence, stability, visibility, trust, next_review_at)
                          values ('default', 'ann', 'operator:anna', 'n', 'lesson', 'global', 'A lesson', 'Look first.',
                            'It was seen.', '[{}]', 4, 'stable', 'shared', 'trusted', now() + interval '9 days')
                          returning memory_id),
                        candidate as (
                          insert into memory_candidates (namespace, source_agent, kind, scope, title, body, evidence,
                            source_refs, confidence, stability, visibility, trust)
                          values ('default', 'ann', 'lesson', 'global', 'A lesson', 'Look last.', 'It was seen.', '[{}]', 4,
                            'stable', 'shared', 'untrusted'))
                        insert into memory_reviews (namespace, memory_id, kind, detail, opened_by)
                        select 'default', memory_id, 'wrong', 'It is not so.', 'agent:ann' from memory""");
        database.jdbc()
                .update(
                        "insert into idle_runs (namespace, agent_id, order_name, slot_id, job_id, gateway, question, budget,"
                                + " began_at, ended_at, outcome, seconds, tokens, cost_usd, settled_at) values ('default', 'ann', 'ann-idle',"
                                + " new_id(), new_id(), 'default', 'What is new?', idle_budget_defaults(), now(), now(), 'no_work', 60, 9000, 0.1, now())");
        database.jdbc()
                .update("insert into idle_cadences (namespace, agent_id, reason)"
                        + " values ('default', 'ann', 'it has begun to think')");
        // The ages of a vault are measured while phase 5 runs.
        database.jdbc().update("update phases set is_on = true where phase = 5");
        database.jdbc()
                .update("insert into vaults (namespace, directory, exported_at, differences)"
                        + " values ('default', '/srv/vault', now(), 0)");
        // Another node asks this gateway, so the bus leaves the job of its agent alone.
        database.jdbc()
                .update("insert into gateways (namespace, gateway, checked_at) values ('default', 'elsewhere', now())");
        database.jdbc()
                .update("insert into agents (namespace, agent_id, accepts, gateway)"
                        + " values ('default', 'far', '{work}', 'elsewhere')");
        jobs.enqueue("far");
        database.jdbc()
                .queryForList(
                        "select sync_standing_orders('default', ?::jsonb, now())",
                        SourceFiles.text(Path.of("src/test/resources/docs/order.json")));
        assertEquals(
                200,
                bus.call(
                                "POST",
                                "/v1/pauses/drain",
                                bus.operatorToken(),
                                "{\"kind\": \"job_type\", \"name\": \"dev\", \"reason\": \"no builds\"}")
                        .statusCode());
        // Routes do so from phase 4 on.
        bus.bus()
                .camel()
                .getRegistry()
                .lookupByNameAndType("memoryRecall", MemoryRecall.class)
                .recall(new HashMap<>(Map.of("attemptId", UUID.randomUUID().toString())));
        for (int i = 0; i < 3; i++) {
            bus.call("GET", "/v1/health", "abo_nobody-has-this-token", null);
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

    /** The labels of each series that a pattern finds in a scrape. */
    private static Map<String, Set<String>> series(Pattern pattern, String scrape) {
        Map<String, Set<String>> labels = new TreeMap<>();
        for (MatchResult series : pattern.matcher(scrape).results().toList()) {
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
                "1",
                "agentbus.limits.bad-tokens-per-minute",
                "1");
    }
}
