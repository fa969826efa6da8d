/**
 * An OpenClaw gateway and a fleet of agents, simulated in this process, for the demo and for tests.
 *
 * <p>The gateway behaves as OpenClaw 2026.9.6 was measured to behave towards a dispatcher, unpleasant parts included;
 * the agents call back over HTTP with the command lines of their prompt and nothing else.
 */
package agentbus.demo;
