package agentbus.dispatch;

import agentbus.text.Json;
import agentbus.text.WholeText;
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
    private static final Set<Integer> NOT_STARTED = Set.of(408, 425, 429, 502, 503);
    /**
     * Statuses that a proxy sends on its own, also when the connection to the gateway broke after the request was passed
     * on. The gateway's own answers with these statuses are JSON objects.
     */
    private static final Set<Integer> OF_A_PROXY = Set.of(502, 503);
    /** The text of Envoy for a connection that broke while it waited for the answer. */
    private static final String BROKEN_BEHIND_PROXY = "disconnect/reset before headers";

    /** In the body of a 503, this text means that only this run found no slot in time. */
    private static final String NO_PLACE = "did not start before admission timeout";

    /** Chosen: long enough for an error line of a gateway or a proxy. */
    private static final int REASON_LENGTH = 500;

    /** Chosen: OpenClaw 2026.9.6 uses UUIDs (measured), and this is the limit of the contract for a run's id. */
    private static final int RUN_ID_LENGTH = 200;

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
        /** No run has started, and the gateway refuses the call for a reason that a repetition does not remove. */
        REFUSED
    }

    /**
     * Reads an HTTP answer. Any answer that may stand for an admitted run is unknown at least, whatever its status,
     * because a call that is wrongly taken for not started is done twice.
     *
     * @param status the HTTP status
     * @param body the answer's body; may be empty, null or not JSON
     * @param retryAfter the Retry-After header, or null
     * @return the outcome
     */
    public static HookOutcome ofAnswer(int status, String body, String retryAfter) {
        String reason = "gateway answered " + status + ": " + brief(body);
        JsonNode answer = jsonOrNull(body);
        if (answer != null && answer.path("ok").asBoolean(false)) {
            return status / 100 == 2 ? admitted(answer) : new HookOutcome(Kind.UNKNOWN, reason, null, null);
        }
        if (status / 100 == 2) {
            return ofStrangeSuccess(status, body, answer, reason);
        }
        if (status == 409 || status == 503 && body != null && body.contains(NO_PLACE)) {
            return new HookOutcome(Kind.BUSY, reason, null, null);
        }
        if (OF_A_PROXY.contains(status) && answer == null && mayHavePassedOn(status, body)) {
            return new HookOutcome(Kind.UNKNOWN, reason, null, null);
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

    private static HookOutcome admitted(JsonNode answer) {
        String runId = answer.path("runId").textValue();
        String kept = runId == null ? null : WholeText.cut(WholeText.repaired(runId), RUN_ID_LENGTH);
        return new HookOutcome(Kind.ADMITTED, null, kept, null);
    }

    /**
     * A success that OpenClaw never gives. Certainly no run has started when the body says so, or when a 200 carries a
     * page or a value that is no object: another server has answered. Otherwise a program between the bus and the
     * gateway may have changed the answer to an admission.
     */
    private static HookOutcome ofStrangeSuccess(int status, String body, JsonNode answer, String reason) {
        boolean saysNo = answer != null && answer.has("ok");
        boolean anotherServer = status == 200 && !mayBeCutAnswer(body) && (answer == null || !answer.isObject());
        if (!saysNo && !anotherServer) {
            return new HookOutcome(Kind.UNKNOWN, reason, null, null);
        }
        String refusal = "gateway answered " + status
                + ", but not as an OpenClaw hook does (is this the gateway's address?): " + brief(body);
        return new HookOutcome(Kind.REFUSED, refusal, null, null);
    }

    /**
     * Whether a proxy that answers in place of the gateway may have passed the request on. A 502 says no more than that the
     * gateway gave no good answer; a 503 says that there was no server to ask, except by Envoy.
     */
    private static boolean mayHavePassedOn(int status, String body) {
        return status == 502 || body != null && body.contains(BROKEN_BEHIND_PROXY);
    }

    private static boolean mayBeCutAnswer(String body) {
        String text = body == null ? "" : body.strip();
        return text.isEmpty() || text.startsWith("{");
    }

    private static JsonNode jsonOrNull(String body) {
        try {
            JsonNode answer = Json.read(body == null ? "" : body);
            return answer == null || answer.isMissingNode() ? null : answer;
        } catch (JsonProcessingException notJson) {
            return null;
        }
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
        String line = text == null ? "" : WholeText.withoutHalves(text.strip().replaceAll("\\p{Cntrl}+", " "));
        return line.length() <= REASON_LENGTH ? line : WholeText.cut(line, REASON_LENGTH) + "…";
    }
}
