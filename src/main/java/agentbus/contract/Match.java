package agentbus.contract;

import java.util.Map;

/**
 * The operation that a method and path stand for.
 *
 * @param operation the operation
 * @param pathParameters the values of the path's parameters by name, percent-decoded, not yet checked
 */
public record Match(Operation operation, Map<String, String> pathParameters) {}
