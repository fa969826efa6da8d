/** The roof: composes the parts of a bus, starts them in their order, and stops them. */
package agentbus.start;
