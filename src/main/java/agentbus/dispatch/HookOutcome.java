package agentbus.dispatch;

import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.UnknownHostException;
import java.util.Set;
import javax.net.ssl.SSLHandshakeException;
import org.apache.hc.client5.http.ConnectTimeoutException;
import org.apache.hc.core5.http.ConnectionRequestTimeoutException;

/**
 * What became of one call of a gateway's hook. The cases and their statuses are those measured on OpenClaw 2026.9.6.
 *
 * @param kind what is known
 * @param reason what the gateway said or what went wrong, for people; null when admitted
 * @param runId the run's id at the gateway when admitted and told, else null
 * @param retryAfterSeconds how long the gateway asks to be left alone, or null
 */
public record HookOutcome(Kind kind, String reason, String runId, Integer retryAfterSeconds) {
    /** The gateway starts nothing just now: limits, draining, starting, something broken before the runner. */
    private static final Set<Integer> NOT_STARTED = Set.of(408, 429, 502, 503);
    /** What a 503 says when this run alone found no place in time; others may. */
    private static final String NO_PLACE = "did not start before admission timeout";

    private static final int REASON_LENGTH = 500;

    /** What is known after a call. */
    public enum Kind {
        /** The run has a slot. Success is for the agent to report. */
        ADMITTED,
        /** The run has certainly not started, and no other would; it may be tried again. */
        UNDELIVERED,
        /** The run may or may not have started; the same call must be repeated. */
        UNKNOWN,
        /** The run has certainly not started, because its session or a place was taken; other runs may start. */
        BUSY,
        /** The gateway will never take this call; repeating it is pointless. */
        REFUSED
    }

    /**
     * The outcome that an answer means.
     *
     * @param status the HTTP status
     * @param body the answer's body, may be empty or null; not always JSON
     * @param retryAfter the Retry-After header, or null
     * @return the outcome
     */
    public static HookOutcome ofAnswer(int status, String body, String retryAfter) {
        if (status == 200) {
            return ofAdmission(body);
        }
        String reason = "gateway answered " + status + ": " + brief(body);
        if (status == 409 || status == 503 && body != null && body.contains(NO_PLACE)) {
            return new HookOutcome(Kind.BUSY, reason, null, null);
        }
        if (NOT_STARTED.contains(status)) {
            return new HookOutcome(Kind.UNDELIVERED, reason, null, seconds(retryAfter));
        }
        if (status >= 500) {
            return new HookOutcome(Kind.UNKNOWN, reason, null, null);
        }
        return new HookOutcome(Kind.REFUSED, reason, null, null);
    }

    /**
     * The outcome that a failed call means.
     *
     * @param failure what was thrown
     * @return undelivered when no byte of the request can have been processed, else unknown
     */
    public static HookOutcome ofFailure(Exception failure) {
        boolean neverSent = failure instanceof ConnectException
                || failure instanceof ConnectTimeoutException
                || failure instanceof ConnectionRequestTimeoutException
                || failure instanceof UnknownHostException
                || failure instanceof NoRouteToHostException
                || failure instanceof SSLHandshakeException;
        String reason = (neverSent ? "gateway not reached: " : "no answer from the gateway: ")
                + brief(failure.getClass().getSimpleName() + ": " + failure.getMessage());
        return new HookOutcome(neverSent ? Kind.UNDELIVERED : Kind.UNKNOWN, reason, null, null);
    }

    private static HookOutcome ofAdmission(String body) {
        try {
            JsonNode answer = Json.read(body == null ? "" : body);
            if (answer.path("ok").asBoolean(false)) {
                return new HookOutcome(Kind.ADMITTED, null, answer.path("runId").textValue(), null);
            }
        } catch (JsonProcessingException notJson) {
            return notAGateway(body);
        }
        return notAGateway(body);
    }

    private static HookOutcome notAGateway(String body) {
        String reason = "answered 200, but not as an OpenClaw hook does; is this the gateway's address? " + brief(body);
        return new HookOutcome(Kind.REFUSED, reason, null, null);
    }

    private static Integer seconds(String retryAfter) {
        // The header may also be a date (RFC 9110, 10.2.3); our own backoff is then as good.
        return retryAfter != null && retryAfter.matches("\\d{1,6}") ? Integer.valueOf(retryAfter) : null;
    }

    /**
     * What somebody said, as one line of at most 500 characters.
     *
     * @param text the text, or null
     * @return the line
     */
    static String brief(String text) {
        String line = text == null ? "" : text.strip().replaceAll("\\p{Cntrl}+", " ");
        return line.length() <= REASON_LENGTH ? line : line.substring(0, REASON_LENGTH) + "…";
    }
}
