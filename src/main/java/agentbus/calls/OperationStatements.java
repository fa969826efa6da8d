package agentbus.calls;

import agentbus.contract.Contract;
import agentbus.contract.Operation;
import agentbus.db.Statements;
import java.util.HashMap;
import java.util.Map;

/**
 * The SQL text of each operation's statement. All calls of an operation share the text, so the driver prepares it once.
 */
public final class OperationStatements {
    private static final String FILE = "sql/statements/run-operation/operation.sql";
    private static final String PLACEHOLDER = "operation_function";
    /**
     * Checked again here, although the contract is checked when it is read, because the name becomes part of a
     * statement.
     */
    private static final String NAME = "[a-z][a-z0-9_]{0,62}";

    private final Map<String, String> texts = new HashMap<>();

    /**
     * Makes the statements of a contract.
     *
     * @param contract the contract
     * @param files reads the template
     * @throws IllegalStateException when an operation's function name is malformed
     */
    public OperationStatements(Contract contract, Statements files) {
        String template = files.template(FILE);
        for (Operation operation : contract.operations()) {
            texts.put(operation.id(), call(template, PLACEHOLDER, operation.function()));
        }
    }

    /** The statement of an operation, with the parameters {@code :#credential} and {@code :#input}. */
    String of(Operation operation) {
        return texts.get(operation.id());
    }

    /**
     * Makes a statement that calls a function.
     *
     * @param template the statement with a placeholder
     * @param placeholder the word that stands for the function
     * @param function the function
     * @return the statement's text
     * @throws IllegalStateException when the function's name is malformed
     */
    static String call(String template, String placeholder, String function) {
        if (!function.matches(NAME)) {
            throw new IllegalStateException(function + " is not a valid function name");
        }
        return template.replace(placeholder + "(", function + "(");
    }
}
