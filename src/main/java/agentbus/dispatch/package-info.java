/**
 * The beans of the dispatch routes: the attempts that a dispatcher holds, the prompts, the hook calls and their
 * outcomes. The routes in {@code routes/phase-1-spine/dispatch} and {@code routes/phase-1-spine/gateways} call them.
 */
package agentbus.dispatch;
