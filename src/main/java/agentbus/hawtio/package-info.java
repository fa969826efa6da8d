/**
 * Hawtio and Jolokia for operators: a listener of its own on loopback, with its own login in front of Jolokia, and a
 * policy that lets routes be read, dumped, started and stopped; see docs/adr/0021.
 */
package agentbus.hawtio;
