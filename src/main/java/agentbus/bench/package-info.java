/** {@code agentbus bench}: how fast this bus is on this machine, in numbers that anyone can take again. */
package agentbus.bench;
