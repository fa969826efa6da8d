package agentbus.demo;

import java.util.Optional;
import java.util.function.Consumer;

/**
 * The seam through which a {@link SimulatedGateway} is watched and disturbed. The demo's gateway uses {@link #NONE}; tests
 * count requests and runs here, and inject faults. Any number of threads call it at once.
 */
interface GatewayWatch {
    /** Sees nothing and changes nothing. */
    GatewayWatch NONE = new GatewayWatch() {};

    /**
     * Asked before each hook and each readiness check.
     *
     * @return whether the gateway is about to stop, so that it is not ready and answers every hook 503
     */
    default boolean draining() {
        return false;
    }

    /**
     * A hook request has come in; its token and its body have not been read.
     *
     * @param method the HTTP method
     * @param path the path, without query
     * @return sees the request through to its answer
     */
    default Request received(String method, String path) {
        return Request.NONE;
    }

    /**
     * A run starts. The gateway holds a lock meanwhile, so the watch must return at once.
     *
     * @param run the run
     * @return takes how the run ended, under the same lock
     */
    default Consumer<RunEnd> started(AdmittedRun run) {
        return end -> {};
    }

    /** One hook request. The methods are called in their order here, each at most once. */
    interface Request {
        /** Sees nothing and changes nothing. */
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
         * @return an answer in place of the gateway's own, which then starts no run
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
