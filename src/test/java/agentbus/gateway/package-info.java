/** The fleet of {@code agents/} on a real OpenClaw gateway, with a scripted model. */
package agentbus.gateway;
