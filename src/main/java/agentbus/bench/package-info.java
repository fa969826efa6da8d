/**
 * {@code agentbus bench}: how fast this bus is on this machine, in figures that anyone can measure again. No other package
 * imports this one, but for {@code Main}; its SQL lies beside its classes.
 */
package agentbus.bench;
