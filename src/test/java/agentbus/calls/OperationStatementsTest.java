package agentbus.calls;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.contract.Batch;
import agentbus.contract.Contract;
import agentbus.contract.Operation;
import agentbus.db.Statements;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import agentbus.settings.ProgramFiles;
import agentbus.settings.Settings;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The contract and the schema agree: each operation has its function. */
@ExtendWith(PostgresExtension.class)
class OperationStatementsTest {
    private final TestDatabase database;

    OperationStatementsTest(TestDatabase database) {
        this.database = database;
    }

    static List<Operation> operations() {
        return Contract.load().operations();
    }

    @ParameterizedTest
    @MethodSource("operations")
    void an_operation_has_a_function_of_principal_and_input(Operation operation) {
        assertTrue(exists(operation.function() + "(jsonb, jsonb)"), operation.id());
    }

    @ParameterizedTest
    @MethodSource("operations")
    void a_batch_has_a_function_of_callers_and_inputs(Operation operation) {
        String missing = operation
                .special()
                .batch()
                .map(batch -> batch.function()
                        + (batch.callers() == Batch.Callers.attempts ? "(uuid[], jsonb[])" : "(jsonb[], jsonb[])"))
                .filter(function -> !exists(function))
                .orElse("");

        assertEquals("", missing);
    }

    @Test
    void each_operation_calls_its_own_function_with_the_caller_and_the_input() {
        ProgramFiles files = new ProgramFiles(Settings.load(Path.of(""), Map.of(), Map.of()));
        OperationStatements statements = new OperationStatements(
                Contract.load(), new Statements(database.jdbc().getDataSource(), files));
        for (Operation operation : operations()) {
            String statement = statements.of(operation);
            assertTrue(statement.contains("from " + operation.function() + "(principal_of("), statement);
            assertFalse(statement.contains("operation_function("), statement);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "Jobs", "list-jobs", "list jobs", "jobs(); drop table jobs", "1jobs", "jobs\""})
    void a_name_that_is_no_functions_never_becomes_part_of_a_statement(String name) {
        assertThrows(IllegalStateException.class, () -> OperationStatements.call("select x()", "x", name));
    }

    private boolean exists(String function) {
        return Boolean.TRUE.equals(
                database.jdbc().queryForObject("select to_regprocedure(?) is not null", Boolean.class, function));
    }
}
