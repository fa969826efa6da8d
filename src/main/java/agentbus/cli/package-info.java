/** The command line. The contract defines one command per operation. */
package agentbus.cli;
