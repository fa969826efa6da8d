/** The command line: one command for each operation of the contract, made from the contract. */
package agentbus.cli;
