/** The contract read from agentbus.openapi.yaml: which operations there are, and whether an input is one of theirs. */
package agentbus.contract;
