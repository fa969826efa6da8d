/** The top layer: composes the parts of a bus, starts them in order, and stops them. */
package agentbus.start;
