package agentbus.cli;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.contract.Contract;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestBus;
import agentbus.harness.TestDatabase;
import agentbus.harness.TestFleet;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The drills of week-one against a running bus with a scripted gateway. */
@ExtendWith(PostgresExtension.class)
class WeekOneTest {
    private static final Contract CONTRACT = Contract.load();
    private static final String DONE =
            "jobs where target_agent = 'week-one' and state = 'succeeded'" + " and correlation_key like 'week-one-%'";

    private static TestDatabase database;
    private static TestFleet fleet;
    private static TestBus bus;
    private static String token;

    private record Run(int exit, String out, String err) {
        JsonNode json() throws Exception {
            return Json.read(out);
        }

        Map<String, String> results() throws Exception {
            Map<String, String> results = new HashMap<>();
            json().get("drills")
                    .forEach(drill -> results.put(
                            drill.get("drill").asText(), drill.get("result").asText()));
            return results;
        }
    }

    @BeforeAll
    static void start(TestDatabase testDatabase, @TempDir Path home) throws Exception {
        database = testDatabase;
        fleet = TestFleet.of(home, Duration.ofMillis(50), "worker");
        bus = TestBus.start(database, fleet.gateway(), home, "agentbus.agents.dir", fleet.directory());
        token = bus.operatorToken();
    }

    @AfterAll
    static void stop() {
        bus.close();
        fleet.close();
    }

    /** Runs week-one; meanwhile the short lease of its lost worker and the backoff after it are over at once. */
    private static Run weekOne(String... options) {
        CompletableFuture<Run> run = CompletableFuture.supplyAsync(() -> run(options));
        await().atMost(Duration.ofSeconds(60))
                .pollInterval(Duration.ofMillis(50))
                .until(() -> {
                    database.jdbc()
                            .update("update jobs set leased_until = now() where subject = 'week-one.loss'"
                                    + " and state = 'running' and attempt_no = 1");
                    database.jdbc()
                            .update(
                                    "update jobs set run_after = now() where subject = 'week-one.loss' and state = 'queued'"
                                            + " and run_after > now()");
                    return run.isDone();
                });
        return run.join();
    }

    private static Run run(String... options) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        Map<String, String> env = Map.of("AGENTBUS_URL", bus.bus().url(), "AGENTBUS_TOKEN", token);
        PrintStream printed = new PrintStream(out, true, StandardCharsets.UTF_8);
        AgentbusCli cli = new AgentbusCli(
                CONTRACT,
                Map.of(
                        "week-one",
                        new AddedCommand(WeekOneCommand.SUMMARY, () -> WeekOneCommand.spec(CONTRACT, printed, env))));
        int exit = cli.execute(
                Stream.concat(Stream.of("week-one"), Arrays.stream(options)).toArray(String[]::new),
                System.in,
                printed,
                new PrintStream(err, true, StandardCharsets.UTF_8),
                env);
        return new Run(exit, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    private static long count(String from) {
        return database.jdbc().queryForObject("select count(*) from " + from, Long.class);
    }

    private static void evidenceOfAnOrder() {
        database.jdbc()
                .update(
                        "insert into standing_orders (namespace, order_name, agent_id, cron, words, purpose, instructions,"
                                + " definition_hash) values ('default', 'patrol', 'worker', '0 0 9 * * ?', 'daily', 'p', 'i', 'h')"
                                + " on conflict do nothing");
        database.jdbc()
                .update(
                        "insert into standing_order_runs (namespace, agent_id, order_name, scheduled_for, status, summary,"
                                + " finished_at) values ('default', 'worker', 'patrol', now() - interval '1 hour', 'completed',"
                                + " 'all well', now()) on conflict do nothing");
    }

    @Test
    void everything_holds_twice_without_a_model_and_with_a_job_through_the_gateway() throws Exception {
        evidenceOfAnOrder();
        long others = count("jobs where target_agent <> 'week-one'");
        long before = count(DONE);

        Run first = weekOne("--json");

        assertEquals(0, first.exit(), first::toString);
        assertEquals(
                Map.of(
                        "a job from end to end", "holds",
                        "block and recovery", "holds",
                        "worker lost in its work", "holds",
                        "digest", "holds",
                        "standing orders", "holds",
                        "health in one query", "holds",
                        "through the gateway", "not tried"),
                first.results());
        assertEquals(others, count("jobs where target_agent <> 'week-one'"), "no other job");
        assertEquals(3, count(DONE) - before);
        assertEquals(0, count("agents where agent_id = 'week-one' and enabled"));
        assertEquals(0, count("job_attempts where gateway = 'default'"), "no hook call");

        Run second = weekOne("--json", "--agent", "worker", "--subject", "work");

        assertEquals(0, second.exit(), second::toString);
        assertEquals("holds", second.results().get("through the gateway"), second::toString);
        assertEquals(1, fleet.runs().size());
    }

    @Test
    void what_does_not_hold_is_named_and_the_exit_status_is_1() throws Exception {
        evidenceOfAnOrder();
        database.jdbc().update("update standing_order_runs set status = 'missed', summary = 'nobody'");

        Run run = weekOne();

        assertEquals(1, run.exit(), run::toString);
        assertTrue(
                run.out()
                        .contains(
                                "does not hold  standing orders          none of 1 orders has ended a slot completed or"
                                        + " no_work within a week"),
                run::toString);
        assertTrue(run.out().contains("Something does not hold; see docs/guide/phases.md."), run::toString);
        database.jdbc().update("update standing_order_runs set status = 'completed'");
    }

    @Test
    void an_agent_without_a_subject_is_refused_and_nothing_begins() {
        Run run = run("--agent", "worker");

        assertEquals(1, run.exit());
        assertTrue(run.err().contains("--agent and --subject belong together"), run::toString);
        assertEquals(0, count("agents where agent_id = 'week-one' and enabled"));
    }
}
