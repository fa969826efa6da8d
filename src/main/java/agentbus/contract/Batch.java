package agentbus.contract;

import java.util.Set;

/**
 * How calls of an operation share a statement.
 *
 * @param function the SQL function that runs several calls: takes {@code uuid[]}, the callers' attempts, and {@code jsonb[]}, their
 *     inputs; returns a row of place, from 1, and answer for each call that it ran
 * @param key the input that must differ between the calls of one statement
 * @param fields the inputs that a call may hold to share a statement
 */
public record Batch(String function, String key, Set<String> fields) {}
