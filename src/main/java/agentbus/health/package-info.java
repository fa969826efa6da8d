/** What /observe shows: the readiness checks of a node, and its numbers. */
package agentbus.health;
