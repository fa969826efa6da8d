/**
 * The common part of all doors: identifies the caller, limits the rate, runs the operation's statement, and reports
 * refusals.
 */
package agentbus.calls;
