package agentbus.contract;

import java.util.Optional;
import java.util.Set;

/**
 * How calls of an operation share a statement.
 *
 * @param function the SQL function that runs several calls. It takes the callers and their inputs as {@code jsonb[]},
 *     and returns one row for each call that it ran: the call's place, counted from 1, and its answer
 * @param callers whose calls share a statement
 * @param key the name of the input whose value must differ between the calls of one statement; empty when the function
 *     leaves out the second of two such calls itself
 * @param fields the names of the inputs that a call in a shared statement may have
 */
public record Batch(String function, Callers callers, Optional<String> key, Set<String> fields) {
    /** Whose calls share a statement, and so how the function gets its callers. */
    public enum Callers {
        /** Calls with attempt tokens. The function takes the attempts as {@code uuid[]}. */
        attempts,
        /** Calls with long-lived tokens. The function takes the callers' credentials as {@code jsonb[]}. */
        tokens
    }
}
