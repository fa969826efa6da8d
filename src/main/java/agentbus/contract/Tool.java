package agentbus.contract;

import java.util.List;

/**
 * An operation as an MCP tool.
 *
 * @param name the tool's name
 * @param description what it does, for a model, in a few words
 * @param fields the inputs that the list of tools shows; a dotted path shows one field inside an object or a list's items
 */
public record Tool(String name, String description, List<String> fields) {}
