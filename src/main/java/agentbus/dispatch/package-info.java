/**
 * The beans of the dispatch routes: what a dispatcher has in hand, the prompt an agent is woken with, the call of its
 * gateway's hook, and what an answer means. When any of them is called is said by the routes in {@code routes/phase-1-spine}.
 */
package agentbus.dispatch;
