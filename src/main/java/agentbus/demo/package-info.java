/**
 * {@code agentbus demo}: an OpenClaw gateway and a fleet of agents, simulated in this process.
 *
 * <p>The gateway behaves towards a dispatcher as OpenClaw 2026.9.6 was measured to behave, unpleasant parts included; the
 * agents call back over HTTP with the command lines of their prompt and nothing else. No other package imports this one, but
 * for {@code Main}. Tests run the same gateway and agents, and count and disturb them through {@link
 * agentbus.demo.GatewayWatch} and {@link agentbus.demo.AgentWatch}.
 */
package agentbus.demo;
