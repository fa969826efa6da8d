package agentbus.demo;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/** Something that goes wrong on purpose between a hook request and its answer. */
public sealed interface Fault {

    /**
     * The request is answered at once, and no run is made of it.
     *
     * @param status the HTTP status
     * @param headers headers of the answer; without a Content-Type it is JSON for a body that starts with a brace, else
     *     plain text
     * @param body the answer's text, which may be empty
     */
    record Answer(int status, Map<String, String> headers, String body) implements Fault {
        /** Copies the headers. */
        public Answer {
            headers = Map.copyOf(headers);
        }

        GatewayAnswer toAnswer() {
            Map<String, String> others = new HashMap<>(headers);
            String contentType = others.remove("Content-Type");
            if (contentType == null) {
                contentType = body.startsWith("{") ? GatewayAnswer.JSON : GatewayAnswer.TEXT;
            }
            return new GatewayAnswer(status, contentType, others, body);
        }
    }

    /** The request is treated as ever, its run starts, and the connection is cut in place of the answer. */
    record CutConnection() implements Fault {}

    /**
     * The request is treated as ever, its run starts, and the answer comes late.
     *
     * @param by how much later the answer is sent
     */
    record DelayAnswer(Duration by) implements Fault {}

    /**
     * The body is never read and nothing is ever answered: the connection stays open until the client gives up or the
     * gateway ends. A predicate for this fault sees the request without its body.
     */
    record RefuseToRead() implements Fault {}

    /**
     * An {@link Answer} without headers of its own.
     *
     * @param status the HTTP status
     * @param body the answer's text
     * @return the fault
     */
    static Fault answer(int status, String body) {
        return new Answer(status, Map.of(), body);
    }

    /**
     * The run starts, its outcome stays unknown to the caller.
     *
     * @return the fault
     */
    static Fault cutConnection() {
        return new CutConnection();
    }

    /**
     * The run starts, the answer is late.
     *
     * @param by how much later the answer is sent
     * @return the fault
     */
    static Fault delayAnswer(Duration by) {
        return new DelayAnswer(by);
    }

    /**
     * The gateway hangs before it reads the body.
     *
     * @return the fault
     */
    static Fault refuseToRead() {
        return new RefuseToRead();
    }
}
