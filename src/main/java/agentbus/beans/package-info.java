/** The ground floor: how the packages bring their beans to the registry of a bus. */
package agentbus.beans;
