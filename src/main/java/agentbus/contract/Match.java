package agentbus.contract;

import java.util.Map;

/**
 * The operation of a request, with the values of its path parameters.
 *
 * @param operation the operation
 * @param pathParameters the values by parameter name, percent-decoded, not yet checked
 */
public record Match(Operation operation, Map<String, String> pathParameters) {}
