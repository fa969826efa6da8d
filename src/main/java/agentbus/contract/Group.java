package agentbus.contract;

/**
 * A group of operations that belong together.
 *
 * @param name the tag in the contract
 * @param title what it is for, in a few words
 */
public record Group(String name, String title) {}
