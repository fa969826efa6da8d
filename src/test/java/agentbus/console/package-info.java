/** The operator's console from outside: a real bus, and a client that behaves like a browser. */
package agentbus.console;
