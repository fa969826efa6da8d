package agentbus.demo;

/**
 * A hook request as a fault's predicate sees it.
 *
 * @param agentId the agent that the path or the body names, empty if neither does
 * @param idempotencyKey the key of the header or the body, empty if there is none
 * @param body the body as text; empty while only the headers have been read
 */
public record HookRequest(String agentId, String idempotencyKey, String body) {

    /** Keeps the body, which carries a token, out of logs. */
    @Override
    public String toString() {
        return "HookRequest[agentId=" + agentId + "]";
    }
}
