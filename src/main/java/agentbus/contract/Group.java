package agentbus.contract;

/**
 * A group of related operations.
 *
 * @param name the tag in the contract
 * @param title its purpose, in a few words
 */
public record Group(String name, String title) {}
