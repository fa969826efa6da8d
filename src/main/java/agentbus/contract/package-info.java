/** The contract, read from agentbus.openapi.yaml: the operations, and the checks of their inputs. */
package agentbus.contract;
