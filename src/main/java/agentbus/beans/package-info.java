/** The lowest layer: collects the beans of the packages and binds them in the registry of a bus. */
package agentbus.beans;
