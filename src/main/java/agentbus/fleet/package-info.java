/** The fleet: the agents, their accepted subjects and their allowed handoffs, read from each agent.yaml. */
package agentbus.fleet;
