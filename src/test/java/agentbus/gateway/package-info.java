/** The fleet of {@code agents/} on a real OpenClaw gateway, with a scripted model in the place of a real one. */
package agentbus.gateway;
