package agentbus.mcp;

import agentbus.contract.Operation;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * The call of a tool, as the SDK has read it.
 *
 * @param operation the operation that the tool is
 * @param arguments the call's arguments, with the token
 * @param address where the call comes from
 */
record ToolCall(Operation operation, ObjectNode arguments, String address) {}
