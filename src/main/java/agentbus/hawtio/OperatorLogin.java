package agentbus.hawtio;

import agentbus.calls.CallLimits;
import agentbus.calls.Problems;
import agentbus.contract.Problem;
import agentbus.db.Statements;
import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import org.springframework.dao.DataAccessException;

/**
 * Identifies the operator of each request by HTTP Basic: the user is {@code operator}, the password an operator's
 * token. Wrong tokens count as at the other doors. Thread-safe.
 */
final class OperatorLogin {
    /** The user of every login; the token says which operator it is. */
    static final String USER = "operator";

    private static final String PRINCIPAL = "sql/statements/serve-hawtio/principal.sql";
    private static final String HEADER = "Authorization";
    private static final String BASIC = "Basic ";
    private static final int UNAUTHORIZED = 401;
    private static final int FORBIDDEN = 403;
    private static final List<String> OPERATOR = List.of("operator");
    private static final String EXPECTED =
            "Authorization: Basic with the user operator and an operator's token (abo_…) as the password";

    private final CallLimits limits;
    private final Statements statements;
    private final String namespace;
    private final Problems problems = new Problems();

    /**
     * The login of one node.
     *
     * @param limits counts wrong tokens
     * @param statements asks the database for the owner of a token
     * @param namespace the namespace of the node
     */
    OperatorLogin(CallLimits limits, Statements statements, String namespace) {
        this.limits = limits;
        this.statements = statements;
        this.namespace = namespace;
    }

    /**
     * The operator behind a request. Asks the database each time, so a revoked token is refused at once.
     *
     * @param authorization the Authorization header, or null
     * @param address where the request comes from
     * @return the principal, with kind, name and namespace
     * @throws Problem 401 without the token of an operator of this namespace, 429 after too many wrong ones, 503 while
     *     the database does not answer
     */
    JsonNode operator(String authorization, String address) {
        ObjectNode credential = limits.identify(bearer(authorization), OPERATOR, address);
        try {
            JsonNode principal = Json.read((String) statements
                    .rows(PRINCIPAL, credential.toString(), namespace)
                    .get(0)
                    .get("answer"));
            limits.known(credential);
            return principal;
        } catch (JsonProcessingException otherServer) {
            throw new IllegalStateException("Postgres does not write such JSON", otherServer);
        } catch (DataAccessException failed) {
            throw refused(credential, address, problems.of(failed));
        }
    }

    /** A browser keeps a password that was answered 403, and asks for another one only after a 401. */
    private Problem refused(ObjectNode credential, String address, Problem problem) {
        return switch (problem.status()) {
            case UNAUTHORIZED -> limits.unknown(credential, address, problem);
            case FORBIDDEN -> invalid("Hawtio and Jolokia are for operators of this node: " + problem.detail() + ".");
            default -> problem;
        };
    }

    /** The same login as the header of the other doors; a user other than operator makes the token a wrong one. */
    private static String bearer(String authorization) {
        if (authorization == null || authorization.isBlank()) {
            throw new Problem(UNAUTHORIZED, "missing_token", "This request has no login.", HEADER, null, EXPECTED);
        }
        String login = authorization.regionMatches(true, 0, BASIC, 0, BASIC.length())
                ? decoded(authorization.substring(BASIC.length()).strip())
                : "";
        String user = USER + ":";
        return login.startsWith(user) ? "Bearer " + login.substring(user.length()) : "Basic";
    }

    private static String decoded(String login) {
        try {
            return new String(Base64.getDecoder().decode(login), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException malformed) {
            return "";
        }
    }

    private static Problem invalid(String detail) {
        return new Problem(UNAUTHORIZED, "invalid_token", detail, HEADER, null, EXPECTED);
    }
}
