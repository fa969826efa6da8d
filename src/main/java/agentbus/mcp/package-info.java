/** The MCP endpoint: operations of the contract as tools, served by the official SDK over a Camel route. */
package agentbus.mcp;
