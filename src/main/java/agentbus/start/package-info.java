/** How the process starts: its settings, its secrets, the parts of the bus in their order, and failures told in one line. */
package agentbus.start;
