package agentbus.calls;

import agentbus.contract.Problem;
import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.util.UUID;
import java.util.regex.Pattern;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Turns exceptions into problems for callers. A refusal by a SQL function (SQLSTATE AB and the HTTP status) keeps its
 * own words. An internal error is logged under a reference, and the caller gets only the reference.
 */
public final class Problems {
    private static final Logger LOG = LoggerFactory.getLogger(Problems.class);
    /**
     * Deadlock, serialization failure, lock not available, statement timeout, a server that only reads: rolled back, and
     * a retry may succeed.
     */
    private static final Pattern UNDONE = Pattern.compile("40P01|40001|55P03|57014|25006");
    /** Connection lost, server shutting down. */
    private static final Pattern LOST = Pattern.compile("08...|57P..");

    /**
     * The problem that an exception means.
     *
     * @param failure the exception
     * @return the problem to answer with
     */
    public Problem of(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof Problem problem) {
                return problem;
            }
            if (cause instanceof PSQLException refused
                    && refused.getSQLState() != null
                    && refused.getSQLState().startsWith("AB")) {
                return ofRefusal(refused);
            }
            if (cause instanceof SQLTransientConnectionException || isState(cause, UNDONE)) {
                return unavailable(cause, "nothing was changed. Try again.");
            }
            if (isState(cause, LOST)) {
                // The statement was already sent, and may have been committed before the connection was lost.
                return unavailable(
                        cause,
                        "whether this was done is not known. Repeat it: the same close is answered the same, and an"
                                + " enqueue with its dedupeKey makes no second job.");
            }
        }
        String reference = UUID.randomUUID().toString();
        LOG.error("Internal error {}", reference, failure);
        return Problem.of(500, "internal", "The bus failed to answer; its log says why under " + reference + ".");
    }

    private static boolean isState(Throwable failure, Pattern states) {
        return failure instanceof SQLException sql
                && sql.getSQLState() != null
                && states.matcher(sql.getSQLState()).matches();
    }

    private static Problem unavailable(Throwable cause, String what) {
        LOG.warn("The database cannot be used just now: {}", firstLine(cause));
        return Problem.of(503, "unavailable", "The bus cannot use its database just now; " + what);
    }

    private static Problem ofRefusal(PSQLException refused) {
        ServerErrorMessage message = refused.getServerErrorMessage();
        int status = Integer.parseInt(refused.getSQLState().substring(2));
        try {
            JsonNode detail = Json.read(message.getDetail());
            return new Problem(
                    status,
                    detail.path("code").asText("forbidden"),
                    message.getMessage(),
                    detail.path("field").textValue(),
                    detail.get("value"),
                    detail.path("expected").textValue());
        } catch (JsonProcessingException | IllegalArgumentException notOurs) {
            return Problem.of(status, "forbidden", message.getMessage());
        }
    }

    private static String firstLine(Throwable cause) {
        return String.valueOf(cause.getMessage()).lines().findFirst().orElse("");
    }
}
