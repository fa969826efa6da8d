/** The HTTP endpoint: turns a request into an operation's input, and the operation's answer into a response. */
package agentbus.http;
