package agentbus.contract;

import java.util.List;

/**
 * An operation as an MCP tool.
 *
 * @param name the tool's name
 * @param description its effect in a few words, for a model
 * @param fields the inputs in the list of tools; a dotted path names one field of an object or of a list's items
 * @param phase the lowest phase in which the tool is listed
 */
public record Tool(String name, String description, List<String> fields, int phase) {}
