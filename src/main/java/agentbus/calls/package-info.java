/** What every door shares: who calls, how often, what is refused, and how an operation's statement is run. */
package agentbus.calls;
