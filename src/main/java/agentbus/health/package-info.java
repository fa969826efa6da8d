/** The readiness checks and the metrics of a node, which {@code /observe} shows. */
package agentbus.health;
