package agentbus.demo;

import java.util.Optional;
import java.util.function.Consumer;

/**
 * Observes a {@link SimulatedGateway} and can inject faults. The demo uses {@link #NONE}; tests count requests and runs
 * here. Several threads may call a watch at the same time.
 */
interface GatewayWatch {
    /** A watch that does nothing. */
    GatewayWatch NONE = new GatewayWatch() {};

    /**
     * Called before each hook and each readiness check.
     *
     * @return whether the gateway is draining: it then is not ready and answers every hook with 503
     */
    default boolean draining() {
        return false;
    }

    /**
     * A hook request has arrived. Its token and its body have not been read yet.
     *
     * @param method the HTTP method
     * @param path the path, without query
     * @return the watch of this request
     */
    default Request received(String method, String path) {
        return Request.NONE;
    }

    /**
     * A run starts. The gateway holds a lock during this call, so the watch must return at once.
     *
     * @param run the run
     * @return is called with the run's end, under the same lock
     */
    default Consumer<RunEnd> started(AdmittedRun run) {
        return end -> {};
    }

    /** One hook request. The methods are called in their order here, each at most once. */
    interface Request {
        /** A watch that does nothing. */
        Request NONE = new Request() {};

        /**
         * The token was right.
         *
         * @param agentId the agent that the path names, empty if it names none
         * @param idempotencyKey the key of the headers, empty if there is none
         * @return true to read the body; false to leave the connection open without an answer
         */
        default boolean readsBody(String agentId, String idempotencyKey) {
            return true;
        }

        /**
         * The body has been read.
         *
         * @param agentId the agent that the path or the body names, empty if neither does
         * @param idempotencyKey the key of the headers or the body, empty if there is none
         * @param body the body as it came
         * @return an answer that replaces the gateway's own answer; the gateway then starts no run
         */
        default Optional<GatewayAnswer> instead(String agentId, String idempotencyKey, byte[] body) {
            return Optional.empty();
        }

        /**
         * The answer is known.
         *
         * @param status its HTTP status
         * @param send sends the answer
         * @param cut closes the connection without an answer
         */
        default void answer(int status, Runnable send, Runnable cut) {
            send.run();
        }
    }
}
