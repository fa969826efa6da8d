/** Tests of the MCP door's parts; what it does as a whole is tested over HTTP, beside the HTTP door. */
package agentbus.mcp;
