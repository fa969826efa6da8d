/**
 * {@code agentbus bench}: measures the speed of the bus on this machine, so that anyone can repeat the published
 * figures. Apart from {@code Main}, no other package imports this one. Its SQL files are beside its classes.
 */
package agentbus.bench;
