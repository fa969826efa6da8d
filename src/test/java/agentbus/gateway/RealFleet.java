package agentbus.gateway;

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
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Function;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;
import org.springframework.jdbc.core.JdbcTemplate;

/** The ten agents as they are in {@code agents/}: a bus, a real gateway, and the model that plays all of them. */
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
     * Starts all three and waits until the bus has heard of the gateway.
     *
     * @param database the bus's database
     * @param home a directory of the test
     * @param name names the gateway's log
     * @param script what the model does
     */
    RealFleet(TestDatabase database, Path home, String name, Function<Told, Move> script) throws Exception {
        this.database = database;
        model = new ScriptedModel(script);
        gateway = new RealGateway(home.resolve("openclaw"), name, TestBus.HOOK_TOKEN, OPERATOR_TOKEN);
        bus = TestBus.start(
                database,
                null,
                home,
                "agentbus.gateway.url",
                gateway.url(),
                "agentbus.gateway.token",
                TestBus.HOOK_TOKEN,
                "agentbus.gateway.operator-token",
                OPERATOR_TOKEN,
                "agentbus.gateway.health-seconds",
                "1");
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

    /** Waits until the bus finds the gateway ready and the plugin has reported its start. */
    void awaitReady() {
        waiting("the bus knows the gateway").until(() -> {
            Map<String, Object> row = database.jdbc().queryForMap("select * from gateways where gateway = 'default'");
            return "ready".equals(row.get("state")) && row.get("boot_id") != null && row.get("held_until") == null;
        });
    }

    /** Statements in the bus's tables, to look at what the API does not tell. */
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
     * Calls the bus as its operator.
     *
     * @param method the HTTP method
     * @param path path and query
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
     * @param agent for whom
     * @return the job
     */
    UUID enqueue(String agent) throws IOException, InterruptedException {
        return enqueue(agent, Map.of());
    }

    /**
     * The same with more about the job.
     *
     * @param agent for whom
     * @param more more fields of the operation enqueueJob
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
     * Waits for a job.
     *
     * @param job the job
     * @param state what it is to become
     */
    void awaitState(UUID job, String state) {
        waiting(job + " is " + state).until(() -> state(job), state::equals);
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
     * The events about a job, oldest first.
     *
     * @param job the job
     * @param topic only of this topic
     * @return when each came into being
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
     * The attempts at a job, oldest first.
     *
     * @param job the job
     * @return their rows
     */
    List<Map<String, Object>> attempts(UUID job) {
        return database.jdbc().queryForList("select * from job_attempts where job_id = ? order by attempt_no", job);
    }

    /**
     * Waits on a real gateway, which is slower than everything else in the tests.
     *
     * @param what for what
     * @return the wait
     */
    static ConditionFactory waiting(String what) {
        return Awaitility.await(what).atMost(Duration.ofSeconds(120)).pollInterval(Duration.ofMillis(20));
    }

    /**
     * Prints what was measured, for whoever reads the build's log.
     *
     * @param format as String.format takes it
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
