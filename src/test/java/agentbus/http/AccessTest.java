package agentbus.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.contract.Operation;
import agentbus.harness.Answer;
import agentbus.harness.Door;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Nobody reaches across: not into another namespace, not into another agent's job. Over every operation that the contract
 * names, so that a new one is held to it from its first day.
 */
@ExtendWith(PostgresExtension.class)
class AccessTest {
    /** What changes or closes a job; looking at one is open to every agent of its namespace. */
    private static final Set<String> CHANGES_A_JOB = Set.of(
            "markRunningJob",
            "completeJob",
            "blockJob",
            "failJob",
            "cancelJob",
            "unblockJob",
            "redriveJob",
            "retryNow",
            "killJob",
            "setPriority",
            "reassignJob",
            "dismissJob",
            "extendAttempt",
            "endAttempt",
            "renewJobLease",
            "reportProgress");

    private static Door door;
    private static Door.Work theirs;
    private static String foreignJob;
    private static final Map<String, String> TOKENS = new TreeMap<>();

    @BeforeAll
    static void open(TestDatabase database, @TempDir Path home) throws IOException {
        door = Door.open(database, home);
        database.jdbc().update("insert into namespaces (namespace) values ('elsewhere')");
        database.jdbc()
                .update("insert into agents (namespace, agent_id, accepts) values ('elsewhere', 'worker', '{work}')");
        foreignJob = door.post("/v1/jobs?namespace=elsewhere", "{\"targetAgent\":\"worker\",\"subject\":\"work\"}")
                .json()
                .at("/job/jobId")
                .asText();
        theirs = door.work("worker");
        TOKENS.put("agent", door.agentToken("other"));
        TOKENS.put("attempt", door.work("other").token());
    }

    @AfterAll
    static void close() {
        door.close();
    }

    static Stream<Operation> operations() {
        return Door.CONTRACT.operations().stream();
    }

    /** Those that are about one job, and change it. */
    static Stream<Operation> changesOfAJob() {
        return operations().filter(operation -> CHANGES_A_JOB.contains(operation.id()));
    }

    @Test
    void every_operation_about_a_job_is_either_a_look_or_held_to_these_rules() {
        List<String> forgotten = operations()
                .filter(operation -> operation.path().contains("{jobId}"))
                .map(Operation::id)
                .filter(id -> !id.startsWith("get") && !CHANGES_A_JOB.contains(id))
                .toList();

        assertEquals(List.of(), forgotten);
    }

    @ParameterizedTest
    @MethodSource("operations")
    void a_token_of_one_namespace_is_refused_in_another(Operation operation) {
        TOKENS.forEach((kind, token) -> {
            if (operation.principals().contains(kind)) {
                Answer answer = door.untouched(() -> door.call(
                        operation.method(),
                        path(operation, foreignJob) + "?namespace=elsewhere",
                        token,
                        body(operation)));

                // Whatever else is missing of the call, this comes first or nothing is told.
                assertTrue(answer.status() >= 400 && answer.status() < 500, answer.text());
                if (answer.status() == 403) {
                    assertEquals("namespace", answer.json().path("field").asText(), answer.text());
                }
            }
        });
    }

    @ParameterizedTest
    @MethodSource("changesOfAJob")
    void a_job_of_another_namespace_is_unknown_without_naming_it(Operation operation) {
        TOKENS.forEach((kind, token) -> {
            if (operation.principals().contains(kind)) {
                Answer answer = door.untouched(
                        () -> door.call(operation.method(), path(operation, foreignJob), token, body(operation)));

                Door.assertProblem(answer, 404, "unknown_job");
            }
        });
    }

    @ParameterizedTest
    @MethodSource("changesOfAJob")
    void another_agents_job_is_not_for_an_agent_to_change(Operation operation) {
        TOKENS.forEach((kind, token) -> {
            if (operation.principals().contains(kind)) {
                Answer answer = door.untouched(
                        () -> door.call(operation.method(), path(operation, theirs.jobId()), token, body(operation)));

                assertEquals(403, answer.status(), kind + ": " + answer.text());
            }
        });
    }

    private static String path(Operation operation, String jobId) {
        return operation
                .path()
                .replace("{jobId}", jobId)
                .replace("{runId}", jobId)
                .replace("{eventId}", jobId)
                .replace("{orderName}", "nothing")
                .replace("{gateway}", "default")
                .replace("{agentId}", "worker")
                .replaceAll("\\{[a-zA-Z]+}", jobId);
    }

    private static String body(Operation operation) {
        return switch (operation.id()) {
            case "enqueueJob" -> "{\"targetAgent\":\"worker\",\"subject\":\"work\"}";
            case "completeJob" -> "{\"summary\":\"s\"}";
            case "blockJob", "cancelJob" -> "{\"reason\":\"r\"}";
            case "finishStandingOrder" -> "{\"status\":\"failed\",\"summary\":\"s\"}";
            case "failJob" -> "{\"error\":\"e\"}";
            case "reportProgress" -> "{\"line\":\"l\"}";
            case "emitEvent" -> "{\"topic\":\"a.fact\"}";
            default -> null;
        };
    }
}
