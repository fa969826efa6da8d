package agentbus.demo;

import java.util.List;
import java.util.Map;

/**
 * A hook request as a fault's predicate sees it.
 *
 * @param method the HTTP method
 * @param path the path, without query
 * @param agentId the agent that the path or the body names, empty if neither does
 * @param idempotencyKey the key of the header or the body, empty if there is none
 * @param headers the request's headers; to be read only
 * @param body the body as text; empty while only the headers have been read
 */
public record HookRequest(
        String method,
        String path,
        String agentId,
        String idempotencyKey,
        Map<String, List<String>> headers,
        String body) {

    /** Keeps headers and body, which carry tokens, out of logs. */
    @Override
    public String toString() {
        return "HookRequest[" + method + " " + path + ", agentId=" + agentId + "]";
    }
}
