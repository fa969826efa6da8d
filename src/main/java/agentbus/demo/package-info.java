/**
 * {@code agentbus demo}: an OpenClaw gateway and a fleet of agents, simulated in this process.
 *
 * <p>A dispatcher sees the measured behaviour of OpenClaw 2026.9.6, including its unpleasant parts. The agents call
 * back over HTTP with nothing but the command lines of their prompt. Apart from {@code Main}, no other package imports
 * this one. Tests run the same gateway and agents; they count events and inject faults through {@link
 * agentbus.demo.GatewayWatch} and {@link agentbus.demo.AgentWatch}.
 */
package agentbus.demo;
