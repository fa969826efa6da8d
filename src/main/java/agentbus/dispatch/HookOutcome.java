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
 * The outcome of one hook call. The HTTP statuses and their meanings were measured on OpenClaw 2026.9.6.
 *
 * @param kind the outcome's kind
 * @param reason the gateway's answer or the failure, for people; null when admitted
 * @param runId the id of the gateway's run if the gateway admitted the call and named it, else null
 * @param retryAfterSeconds how long the gateway asks callers to wait, or null
 */
public record HookOutcome(Kind kind, String reason, String runId, Integer retryAfterSeconds) {
    /**
     * Statuses with which the gateway starts no run: rate limit, draining, starting, or a failure before its runner.
     */
    private static final Set<Integer> NOT_STARTED = Set.of(408, 429, 502, 503);
    /** In the body of a 503, this text means that only this run found no slot in time. */
    private static final String NO_PLACE = "did not start before admission timeout";

    /** Chosen: long enough for an error line of a gateway or a proxy. */
    private static final int REASON_LENGTH = 500;

    /** Kinds of outcomes. */
    public enum Kind {
        /** The gateway has accepted the run. The agent itself reports success later. */
        ADMITTED,
        /** The run has not started, and at the moment no other run would start either. The call may be repeated. */
        UNDELIVERED,
        /** The run may have started. The same call must be repeated. */
        UNKNOWN,
        /** The run has not started because its session or every slot was taken. Other runs may start. */
        BUSY,
        /** The gateway will never accept this call, so it is not repeated. */
        REFUSED
    }

    /**
     * Reads an HTTP answer.
     *
     * @param status the HTTP status
     * @param body the answer's body; may be empty, null or not JSON
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
     * Reads the exception of a call without an answer.
     *
     * @param failure the exception
     * @return undelivered if the gateway cannot have processed any byte of the request, otherwise unknown
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
        // The header may also be a date (RFC 9110, 10.2.3); the bus then uses its own backoff.
        return retryAfter != null && retryAfter.matches("\\d{1,6}") ? Integer.valueOf(retryAfter) : null;
    }

    /**
     * Shortens a text to one line of at most 500 characters.
     *
     * @param text the text, or null
     * @return the line
     */
    static String brief(String text) {
        String line = text == null ? "" : text.strip().replaceAll("\\p{Cntrl}+", " ");
        return line.length() <= REASON_LENGTH ? line : line.substring(0, REASON_LENGTH) + "…";
    }
}
