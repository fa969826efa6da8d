package agentbus.calls;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.contract.Contract;
import agentbus.db.Statements;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import agentbus.health.Meters;
import agentbus.settings.ProgramFiles;
import agentbus.settings.ServerKey;
import agentbus.settings.Settings;
import agentbus.text.Json;
import agentbus.text.Sha256;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.bucket4j.TimeMeter;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.camel.Exchange;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.support.DefaultExchange;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.dao.DataAccessException;

/** The flag x-phase of a contract reaches the check in SQL, whichever door takes the call. */
@ExtendWith(PostgresExtension.class)
class PhaseOfOperationTest {
    private static final String TOKEN = "abo_phase";

    private final TestDatabase database;

    PhaseOfOperationTest(TestDatabase database) {
        this.database = database;
    }

    @BeforeEach
    void empty() {
        database.clear();
        database.agents(Map.of("devops", new String[] {"infra.check"}));
        database.jdbc().queryForList("select register_operator_token(?, 'anna')", (Object) Sha256.of(TOKEN));
    }

    /** A contract with one operation of the bus, and more lines in its entry. */
    private static Contract contract(String id, String method, String... more) {
        String yaml =
                """
                openapi: 3.1.0
                tags:
                  - { name: work, description: w }
                paths:
                  /v1/own:
                    %s:
                      operationId: %s
                      tags: [work]
                      summary: s
                      x-principals: [operator]
                      x-example: e
                      %s
                      responses: { "200": { content: { application/json: { schema: { type: object } } } } }
                """
                        .formatted(method, id, String.join("\n      ", more));
        return Contract.read(new ByteArrayInputStream(yaml.getBytes(StandardCharsets.UTF_8)));
    }

    /** Calls the operation as a door does, and runs its statement. */
    private String call(Contract contract, String id, String input, Path home) throws Exception {
        CallLimits limits = new CallLimits(
                new Credentials(ServerKey.load(home, Map.of())),
                new CallLimits.Rates(10, 30, 20, 268_435_456),
                TimeMeter.SYSTEM_NANOTIME,
                new Meters(new SimpleMeterRegistry()));
        Statements files = new Statements(
                database.jdbc().getDataSource(), new ProgramFiles(Settings.load(Path.of(""), Map.of(), Map.of())));
        Calls calls =
                new Calls(new OperationStatements(contract, files), limits, new Meters(new SimpleMeterRegistry()));
        Exchange exchange = new DefaultExchange(new DefaultCamelContext());
        calls.begin(exchange, contract.operation(id), "127.0.0.1");
        calls.admit(exchange, () -> limits.identify("Bearer " + TOKEN, List.of("operator"), "127.0.0.1"));
        calls.prepare(exchange, (ObjectNode) Json.read(input));
        String statement = exchange.getMessage()
                .getHeader("CamelSqlQuery", String.class)
                .replace(":#credential", "?")
                .replace(":#input", "?");
        Map<?, ?> body = exchange.getMessage().getBody(Map.class);
        return (String) database.jdbc()
                .queryForMap(statement, body.get("credential"), body.get("input"))
                .get("answer");
    }

    @Test
    void a_write_of_a_phase_is_refused_while_the_phase_is_off_and_its_reads_go_on(@TempDir Path home) throws Exception {
        String job = "{\"targetAgent\":\"devops\",\"subject\":\"infra.check\"}";
        Contract write = contract("enqueueJob", "post", "x-phase: 3");
        database.jdbc().queryForObject("select note_phase('default', 3, 'host-7')", String.class);
        call(write, "enqueueJob", job, home);
        database.jdbc().queryForObject("select note_phase('default', 2, 'host-8')", String.class);

        DataAccessException refused =
                assertThrows(DataAccessException.class, () -> call(write, "enqueueJob", job, home));
        assertTrue(
                refused.getMostSpecificCause().getMessage().contains("node host-8 started with agentbus.phase=2"),
                refused::toString);

        String listed = call(contract("listJobs", "get"), "listJobs", "{}", home);
        assertEquals(1, Json.read(listed).get("jobs").size());
    }

    @ParameterizedTest
    @ValueSource(strings = {"post x-phase: 0", "post x-phase: 6", "post x-phase: three", "get x-phase: 3"})
    void a_phase_that_does_not_exist_or_that_a_read_has_is_a_fault_of_the_contract(String entry) {
        String[] parts = entry.split(" ", 2);

        IllegalStateException fault =
                assertThrows(IllegalStateException.class, () -> contract("enqueueJob", parts[0], parts[1]));

        assertTrue(
                fault.getMessage().endsWith("which must be a number from 1 to 5 at a write without x-batch."),
                fault.getMessage());
    }
}
