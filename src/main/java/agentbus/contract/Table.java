package agentbus.contract;

import java.util.List;

/**
 * How the command line shows an operation's list.
 *
 * @param list the field of the answer that holds the items
 * @param columns the fields of one item, in order
 */
public record Table(String list, List<String> columns) {}
