package agentbus.contract;

import java.util.List;

/**
 * The command line's table for an operation's list.
 *
 * @param list the field of the answer with the items
 * @param columns the fields of an item to show, in order
 */
public record Table(String list, List<String> columns) {}
