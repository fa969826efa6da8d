package agentbus.mcp;

import agentbus.contract.Operation;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * A tool call, as the SDK has read it.
 *
 * @param operation the operation behind the tool
 * @param arguments the call's arguments, with the token
 * @param address where the call comes from
 */
record ToolCall(Operation operation, ObjectNode arguments, String address) {}
