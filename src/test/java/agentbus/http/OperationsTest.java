package agentbus.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.contract.Operation;
import agentbus.contract.Table;
import agentbus.harness.Answer;
import agentbus.harness.Door;
import agentbus.harness.Door.Work;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every operation of the contract, called for real: what it answers is what the contract says. */
@ExtendWith(PostgresExtension.class)
class OperationsTest {
    private static Door door;

    /** How each operation is called so that it does its work and every list in its answer holds something. */
    private static final Map<String, Function<Door, Answer>> OWN_CALLS = Map.ofEntries(
            Map.entry(
                    "enqueueJob",
                    door -> door.post(
                            "/v1/jobs",
                            "{\"targetAgent\":\"worker\",\"subject\":\"work\",\"payload\":{\"a\":null},\"priority\":7,"
                                    + "\"dedupeKey\":\"k\",\"flowKey\":\"f\",\"delaySeconds\":0}")),
            Map.entry("listJobs", door -> {
                door.job();
                return door.get("/v1/jobs?targetAgent=worker&state=queued&limit=1");
            }),
            Map.entry("claimJobs", door -> {
                door.job("other", "");
                return door.post("/v1/jobs/claim", "{\"targetAgent\":\"other\",\"worker\":\"w\"}");
            }),
            Map.entry("requeueExpired", door -> {
                Work work = door.work();
                door.database()
                        .jdbc()
                        .update(
                                "update jobs set leased_until = now() - interval '1 second' where job_id = ?::uuid",
                                work.jobId());
                return door.post("/v1/jobs/requeue-expired", "{\"limit\":1000}");
            }),
            Map.entry("getJob", door -> {
                Work work = door.work();
                door.call("POST", path(work, "complete"), work.token(), "{\"summary\":\"s\",\"result\":{\"a\":1}}");
                return door.get("/v1/jobs/" + work.jobId());
            }),
            Map.entry("markRunningJob", work("running", "{\"runId\":\"r\",\"sessionKey\":\"s\"}")),
            Map.entry(
                    "completeJob",
                    work(
                            "complete",
                            "{\"summary\":\"done\",\"result\":{\"load\":0.4},\"usage\":{\"tokens\":1},"
                                    + "\"followUps\":[{\"targetAgent\":\"other\",\"subject\":\"work\",\"delaySeconds\":900}],"
                                    + "\"events\":[{\"topic\":\"infra.checked\"}]}")),
            Map.entry("blockJob", work("block", "{\"reason\":\"r\",\"unblock\":{\"at\":\"2100-01-01T00:00:00Z\"}}")),
            Map.entry("unblockJob", door -> {
                Work work = door.work();
                door.call("POST", path(work, "block"), work.token(), "{\"reason\":\"r\"}");
                return door.post(path(work, "unblock"), "{\"answer\":\"here it is\"}");
            }),
            Map.entry("failJob", work("fail", "{\"error\":\"e\",\"retryAfterSeconds\":900}")),
            Map.entry("cancelJob", door -> door.post("/v1/jobs/" + door.job() + "/cancel", "{\"reason\":\"r\"}")),
            Map.entry("redriveJob", door -> {
                Work work = door.work();
                door.call("POST", path(work, "fail"), work.token(), "{\"error\":\"e\",\"retry\":false}");
                return door.post(path(work, "redrive"), null);
            }),
            Map.entry("renewJobLease", work("renew", null)),
            Map.entry("reportProgress", work("progress", "{\"line\":\"half way\",\"percent\":50}")),
            Map.entry(
                    "emitEvent", door -> door.post("/v1/events", "{\"topic\":\"a.fact\",\"payload\":{\"host\":null}}")),
            Map.entry("listEvents", door -> {
                door.job();
                return door.get("/v1/events?topic=job.%23&limit=5");
            }),
            Map.entry("getEvent", door -> {
                String event = door.post("/v1/events", "{\"topic\":\"a.fact\"}")
                        .json()
                        .at("/event/eventId")
                        .asText();
                return door.get("/v1/events/" + event);
            }),
            Map.entry("listAgents", door -> door.get("/v1/agents")),
            Map.entry("pauseAgent", door -> {
                Answer paused =
                        door.post("/v1/agents/other/pause", "{\"reason\":\"r\",\"until\":\"2100-01-01T00:00:00Z\"}");
                door.post("/v1/agents/other/resume", null);
                assertTrue(paused.json().path("paused").asBoolean(), paused.text());
                return paused;
            }),
            Map.entry("resumeAgent", door -> door.post("/v1/agents/other/resume", null)),
            Map.entry("issueAgentToken", door -> door.post("/v1/agents/other/token", null)),
            Map.entry("listGateways", door -> door.get("/v1/gateways")),
            Map.entry("resumeGateway", door -> door.post("/v1/gateways/default/resume", null)),
            Map.entry("issueGatewayToken", door -> door.post("/v1/gateways/default/token", null)),
            Map.entry(
                    "reportGatewayStart",
                    report("started", "{\"bootId\":\"b\",\"version\":\"2026.9.6\",\"uptimeMs\":7000}")),
            Map.entry("reportRunStart", report("run-started", "{\"sessionKey\":\"agent:worker:main\"}")),
            Map.entry("reportRunEnd", door -> {
                Work work = door.work();
                return report(
                                "run-ended",
                                "{\"sessionKey\":\"agent:worker:job:" + work.jobId()
                                        + "\",\"success\":true,\"durationMs\":0,\"usage\":{\"tokens\":1}}")
                        .apply(door);
            }),
            Map.entry("health", door -> door.get("/v1/health")),
            Map.entry("listStandingOrders", door -> {
                order(door, "listed");
                return door.get("/v1/standing-orders?agentId=worker&includeRemoved=true");
            }),
            Map.entry("getStandingOrder", door -> {
                order(door, "shown");
                door.post("/v1/standing-orders/shown/run", null);
                return door.get("/v1/standing-orders/shown");
            }),
            Map.entry("runStandingOrder", door -> {
                order(door, "run-now");
                return door.post("/v1/standing-orders/run-now/run", "{\"reason\":\"r\"}");
            }),
            Map.entry("startStandingOrder", door -> {
                order(door, "elsewhere");
                return door.post("/v1/standing-orders/elsewhere/start", "{\"timeoutSeconds\":60}");
            }),
            Map.entry("getStandingOrderRun", door -> {
                order(door, "shown-once");
                String run = door.post("/v1/standing-orders/shown-once/start", null)
                        .json()
                        .at("/run/runId")
                        .asText();
                return door.get("/v1/standing-orders/runs/" + run);
            }),
            Map.entry("finishStandingOrder", door -> {
                order(door, "finished");
                String run = door.post("/v1/standing-orders/finished/start", null)
                        .json()
                        .at("/run/runId")
                        .asText();
                return door.post(
                        "/v1/standing-orders/runs/" + run + "/finish",
                        "{\"status\":\"no_work\",\"summary\":\"quiet\",\"evidence\":{\"hosts\":3}}");
            }),
            Map.entry("listStandingOrderRuns", door -> {
                order(door, "counted");
                door.post("/v1/standing-orders/counted/run", null);
                return door.get("/v1/standing-orders/runs?order=counted&to=2100-01-01T00:00:00Z"
                        + "&from=2026-01-01T00:00:00Z&status=started");
            }),
            Map.entry("standingOrderCalendar", door -> {
                order(door, "calendar-of");
                door.post("/v1/standing-orders/calendar-of/run", null);
                return door.get(
                        "/v1/standing-orders/calendar?from=2026-01-01T00:00:00Z&to=2100-01-01T00:00:00Z&agentId=worker");
            }));

    private static final Map<String, Function<Door, Answer>> CALLS = Stream.of(
                    OWN_CALLS,
                    OperatorCalls.HANDLES,
                    OperatorCalls.QUESTIONS,
                    OperatorCalls.STOPS,
                    OperatorCalls.READS,
                    OperatorCalls.PHASES,
                    ProposalCalls.PROPOSALS,
                    ProposalCalls.REPORTS,
                    MemoryCalls.MEMORIES,
                    IdleCalls.IDLE)
            .flatMap(calls -> calls.entrySet().stream())
            .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));

    /** One order of the agent worker, in place of those before it. */
    static void order(Door door, String name) {
        door.database()
                .jdbc()
                .queryForObject(
                        "select sync_standing_orders('default', ?::jsonb)::text",
                        String.class,
                        "[{\"name\":\"" + name + "\",\"agent\":\"worker\",\"cron\":\"0 0 9 * * ?\",\"zone\":\"UTC\","
                                + "\"words\":\"at 09:00 every day\",\"purpose\":\"p\",\"instructions\":\"i\","
                                + "\"session\":\"isolated\",\"catchUp\":\"skip\",\"catchUpCap\":1,\"staggerSeconds\":0,"
                                + "\"overlap\":\"skip\",\"graceSeconds\":60,\"timeoutSeconds\":0,\"jobType\":\"scheduled\","
                                + "\"priority\":100,\"preCheck\":\"\",\"startedBy\":\"bus\",\"definitionHash\":\"h\"}]");
    }

    private static Function<Door, Answer> report(String what, String body) {
        return door -> door.call("POST", "/v1/gateway/" + what, door.gatewayToken(), body);
    }

    private static String path(Work work, String step) {
        return "/v1/jobs/" + work.jobId() + "/" + step;
    }

    private static Function<Door, Answer> work(String step, String body) {
        return door -> {
            Work work = door.work();
            return door.call("POST", path(work, step), work.token(), body);
        };
    }

    @BeforeAll
    static void open(TestDatabase database, @TempDir Path home) throws IOException {
        door = Door.open(database, home);
    }

    @AfterAll
    static void close() {
        door.close();
    }

    static Stream<String> operations() {
        return Door.CONTRACT.operations().stream().map(Operation::id);
    }

    @Test
    void every_operation_of_the_contract_is_called_here() {
        assertEquals(operations().collect(Collectors.toCollection(TreeSet::new)), new TreeSet<>(CALLS.keySet()));
    }

    @ParameterizedTest
    @MethodSource("operations")
    void an_operation_answers_as_the_contract_says(String operation) {
        Answer answer = CALLS.get(operation).apply(door);

        Door.answered(operation, answer);
        Collection<Table> tables =
                Door.CONTRACT.operation(operation).table().stream().toList();
        for (Table table : tables) {
            assertTrue(answer.json().path(table.list()).size() > 0, answer.text());
        }
    }

    @Test
    void text_of_every_script_comes_back_as_it_was_sent() {
        String payload = "{\"a\":\"é ß 漢字 😀 \\u2028 \\\\ \\\"\",\"n\":12345678901234567890.10}";
        for (String type : new String[] {"application/json", "Application/JSON; charset=\"UTF-8\""}) {
            Answer answer = door.send(
                    "POST",
                    "/v1/jobs",
                    BodyPublishers.ofString(
                            "{\"targetAgent\":\"worker\",\"subject\":\"work\",\"payload\":" + payload + "}"),
                    "Content-Type",
                    type);
            assertEquals(
                    "é ß 漢字 😀 \u2028 \\ \"", answer.json().at("/job/payload/a").asText(), answer.text());
            assertTrue(answer.text().contains("12345678901234567890.10"), answer.text());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"1e-1000", "1e-999", "-1e-999", "1e999", "1e1000", "-9.9e-998", "0e-1000", "0.5"})
    void a_number_is_either_refused_or_can_be_read_again(String number) {
        Answer answer = door.post(
                "/v1/jobs", "{\"targetAgent\":\"worker\",\"subject\":\"work\",\"payload\":{\"n\":" + number + "}}");

        if (answer.status() != 200) {
            Door.assertProblem(answer, 400, "invalid_field");
            assertEquals("payload.n", answer.json().path("field").asText());
        } else {
            String job = answer.json().at("/job/jobId").asText();
            assertEquals(200, door.get("/v1/jobs/" + job).status());
        }
        Door.answered("listJobs", door.get("/v1/jobs"));
    }

    @Test
    void every_column_of_a_table_or_card_is_a_field_that_is_answered() {
        String first = door.job();
        Work work = door.work();
        String blocker = work.jobId();
        door.call("POST", path(work, "complete"), work.token(), "{\"summary\":\"s\"}");
        String job = door.job("worker", ",\"dependsOn\":[\"" + first + "\",\"" + blocker + "\"]");
        JsonNode detail = door.get("/v1/jobs/" + job).json();

        assertEquals(
                Set.of("dependsOn", "state", "subject", "satisfiedAt"),
                fields(detail.path("dependencies")),
                "answered");
        Table card = Door.CONTRACT.operation("getJob").card().stream()
                .filter(list -> list.list().equals("dependencies"))
                .findFirst()
                .orElseThrow();
        Set<String> known = fields(detail.path("dependencies"));
        known.add("waivedAt");
        assertTrue(known.containsAll(card.columns()), card.columns() + " of " + known);
    }

    private static Set<String> fields(JsonNode items) {
        Set<String> names = new TreeSet<>();
        items.forEach(item -> item.fieldNames().forEachRemaining(names::add));
        return names;
    }
}
