/** The process: its start, its settings, the command line, and the beans that the routes call. */
package agentbus;
