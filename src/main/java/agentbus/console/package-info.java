/**
 * The operator's console: its page and files, the sessions of browsers, and the live stream. All that the page shows and
 * does is a call of an operation of the contract.
 */
package agentbus.console;
