package agentbus.gateway;

import static org.junit.jupiter.api.Assertions.assertEquals;

import agentbus.harness.TestBus;
import agentbus.harness.TestDatabase;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.sql.Timestamp;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Function;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;
import org.springframework.jdbc.core.JdbcTemplate;

/** The ten agents of {@code agents/} on a bus and a real gateway, with one scripted model for all of them. */
final class RealFleet implements AutoCloseable {
    static final List<String> AGENTS = List.of(
            "auditor",
            "coordinator",
            "design",
            "devops",
            "knowledge",
            "product-metrics",
            "project-tracker",
            "publisher",
            "research",
            "security");

    private static final String OPERATOR_TOKEN = "operator-token-of-tests";

    private final TestDatabase database;
    private final ScriptedModel model;
    private final RealGateway gateway;
    private final TestBus bus;

    /**
     * Starts all three and waits until the gateway has reported to the bus.
     *
     * @param database the database of the bus
     * @param home a directory of the test
     * @param name the name of the gateway's log
     * @param script the model's behaviour
     * @param settings more settings of the bus: key, value, key, value …
     */
    RealFleet(TestDatabase database, Path home, String name, Function<Told, Move> script, String... settings)
            throws Exception {
        this.database = database;
        model = new ScriptedModel(script);
        gateway = new RealGateway(home.resolve("openclaw"), name, TestBus.HOOK_TOKEN, OPERATOR_TOKEN);
        List<String> all = new ArrayList<>(List.of(
                "agentbus.gateway.url",
                gateway.url(),
                "agentbus.gateway.token",
                TestBus.HOOK_TOKEN,
                "agentbus.gateway.operator-token",
                OPERATOR_TOKEN,
                "agentbus.gateway.health-seconds",
                "1"));
        all.addAll(List.of(settings));
        bus = TestBus.start(database, null, home, all.toArray(String[]::new));
        try {
            String report = call("POST", "/v1/gateways/default/token", null)
                    .path("token")
                    .asText();
            gateway.layOut(bus.bus().url().toString(), model.baseUrl(), report);
            Instant begun = Instant.now();
            gateway.start();
            say(
                    "the gateway was ready %d ms after its start",
                    Duration.between(begun, Instant.now()).toMillis());
            awaitReady();
        } catch (Exception | Error e) {
            close();
            throw e;
        }
    }

    /** Waits until the gateway is ready for the bus and the plugin has reported its start. */
    void awaitReady() {
        waiting("the bus knows the gateway").until(() -> {
            Map<String, Object> row = database.jdbc().queryForMap("select * from gateways where gateway = 'default'");
            return "ready".equals(row.get("state")) && row.get("boot_id") != null && row.get("held_until") == null;
        });
    }

    /** Statements in the bus's tables, for facts that the API does not show. */
    JdbcTemplate jdbc() {
        return database.jdbc();
    }

    /** The model. */
    ScriptedModel model() {
        return model;
    }

    /** The gateway. */
    RealGateway gateway() {
        return gateway;
    }

    /**
     * Calls the bus with an operator's token.
     *
     * @param method the HTTP method
     * @param path the path and the query
     * @param body JSON, or null
     * @return the answer
     */
    JsonNode call(String method, String path, String body) throws IOException, InterruptedException {
        HttpResponse<String> answer = bus.call(method, path, bus.operatorToken(), body);
        if (answer.statusCode() / 100 != 2) {
            throw new AssertionError(method + " " + path + ": " + answer.statusCode() + " " + answer.body());
        }
        return Json.read(answer.body());
    }

    /**
     * Enqueues a job of the first subject that the agent accepts.
     *
     * @param agent the target agent
     * @return the job
     */
    UUID enqueue(String agent) throws IOException, InterruptedException {
        return enqueue(agent, Map.of());
    }

    /**
     * As above, with further fields of the job.
     *
     * @param agent the target agent
     * @param more further fields of the operation enqueueJob
     * @return the job
     */
    UUID enqueue(String agent, Map<String, Object> more) throws IOException, InterruptedException {
        String subject =
                database.jdbc().queryForObject("select accepts[1] from agents where agent_id = ?", String.class, agent);
        ObjectNode body = Json.tree(more);
        body.put("targetAgent", agent).put("subject", subject);
        return UUID.fromString(call("POST", "/v1/jobs", body.toString())
                .path("job")
                .path("jobId")
                .asText());
    }

    /**
     * Waits until a job is in a state. A job that dies instead fails the test at once, with the reasons of its attempts.
     *
     * @param job the job
     * @param state the state
     */
    void awaitState(UUID job, String state) {
        waiting(job + " is " + state).until(() -> {
            String now = state(job);
            if (now.equals("dead") && !state.equals("dead")) {
                throw new AssertionError(job + " is dead, not " + state + ": "
                        + call("GET", "/v1/jobs/" + job, null).path("attempts"));
            }
            return now.equals(state);
        });
    }

    /**
     * Waits until the bus knows that the run of a job was stopped, and checks that it was the only run to stop.
     *
     * @param job the job
     */
    void awaitAborted(UUID job) {
        waiting("the bus knows that the run of " + job + " was stopped")
                .until(() -> !events(job, "job.run_aborted").isEmpty());
        assertEquals(
                List.of("aborted"),
                database.jdbc()
                        .queryForList(
                                "select outcome from run_aborts join job_attempts using (attempt_id) where job_id = ?",
                                String.class,
                                job));
    }

    /**
     * The state of a job.
     *
     * @param job the job
     * @return its state
     */
    String state(UUID job) {
        return database.jdbc().queryForObject("select state from jobs where job_id = ?", String.class, job);
    }

    /**
     * The times of the events about a job, oldest first.
     *
     * @param job the job
     * @param topic the events' topic
     * @return the time of each event
     */
    List<Instant> events(UUID job, String topic) {
        return database
                .jdbc()
                .queryForList(
                        "select created_at from events where source_job_id = ? and topic = ? order by seq",
                        Timestamp.class,
                        job,
                        topic)
                .stream()
                .map(Timestamp::toInstant)
                .toList();
    }

    /**
     * A job's attempts, oldest first.
     *
     * @param job the job
     * @return their rows
     */
    List<Map<String, Object>> attempts(UUID job) {
        return database.jdbc().queryForList("select * from job_attempts where job_id = ? order by attempt_no", job);
    }

    /**
     * A wait with a long timeout for a real gateway.
     *
     * @param what the awaited condition, for the message
     * @return the wait
     */
    static ConditionFactory waiting(String what) {
        return Awaitility.await(what).atMost(Duration.ofSeconds(120)).pollInterval(Duration.ofMillis(20));
    }

    /**
     * Prints measured figures to the build's log.
     *
     * @param format a format of String.format
     * @param values its values
     */
    static void say(String format, Object... values) {
        System.out.println("real-gateway: " + format.formatted(values));
    }

    @Override
    public void close() {
        gateway.close();
        bus.close();
        model.close();
    }
}
