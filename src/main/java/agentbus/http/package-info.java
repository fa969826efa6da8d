/** The HTTP door: from a request to an operation's input, and from what the operation answered to a response. */
package agentbus.http;
