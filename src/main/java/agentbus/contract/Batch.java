package agentbus.contract;

import java.util.Set;

/**
 * How calls of an operation share a statement.
 *
 * @param function the SQL function that runs several calls. It takes the callers' attempts as {@code uuid[]} and their
 *     inputs as {@code jsonb[]}, and returns one row for each call that it ran: the call's place, counted from 1, and
 *     its answer
 * @param key the name of the input whose value must differ between the calls of one statement
 * @param fields the names of the inputs that a call in a shared statement may have
 */
public record Batch(String function, String key, Set<String> fields) {}
