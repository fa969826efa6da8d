/** The fleet: who the agents are, what each accepts and whom it may hand work to, as its agent.yaml says. */
package agentbus.fleet;
