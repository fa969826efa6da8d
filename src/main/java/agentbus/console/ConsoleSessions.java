package agentbus.console;

import agentbus.calls.CallLimits;
import agentbus.calls.Credentials;
import agentbus.calls.Problems;
import agentbus.contract.Operation;
import agentbus.contract.Problem;
import agentbus.contract.StrictJson;
import agentbus.db.Statements;
import agentbus.http.SameOrigin;
import agentbus.text.Json;
import agentbus.text.Sha256;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vertx.core.http.Cookie;
import io.vertx.core.http.CookieSameSite;
import io.vertx.core.http.HttpServerRequest;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.apache.camel.Exchange;
import org.apache.camel.component.platform.http.vertx.HttpMessage;
import org.springframework.dao.DataAccessException;

/**
 * Opens and ends the sessions of browsers: a token is sent once, and a cookie that no script can read takes its place.
 */
public final class ConsoleSessions {
    private static final int NO_CONTENT = 204;
    private static final int BAD_REQUEST = 400;
    private static final int UNAUTHORIZED = 401;
    private static final int FORBIDDEN = 403;
    private static final String STATEMENTS = "sql/statements/serve-console/";
    private static final List<String> PEOPLE = List.of("operator", "viewer");
    private static final String TOKEN = "token";
    private static final String EXPECTED = "a JSON object with token, the token of an operator or viewer";

    private final CallLimits limits;
    private final Statements statements;
    private final SameOrigin origin;
    private final boolean secure;
    private final ConsoleStreams streams;
    private final Problems problems = new Problems();

    /**
     * Sessions of one bus.
     *
     * @param limits identifies the owners of tokens and counts wrong ones
     * @param statements runs the statements
     * @param origin refuses foreign pages
     * @param secure whether browsers reach the bus over https only
     * @param streams the live streams, which end with their session
     */
    ConsoleSessions(
            CallLimits limits, Statements statements, SameOrigin origin, boolean secure, ConsoleStreams streams) {
        this.limits = limits;
        this.statements = statements;
        this.origin = origin;
        this.secure = secure;
        this.streams = streams;
    }

    /**
     * Answers POST (log in) and DELETE (log out).
     *
     * @param exchange with the HTTP request
     * @throws Problem when the call is refused
     */
    public void answer(Exchange exchange) {
        HttpMessage message = exchange.getMessage(HttpMessage.class);
        HttpServerRequest request = message.getRequest();
        byte[] body = message.getBody(byte[].class);
        message.removeHeaders("*");
        message.setBody(null);

        String method = request.method().name();
        Cookie cookie =
                switch (method) {
                    case "POST" -> opened(request, body == null ? new byte[0] : body);
                    case "DELETE" -> ended(request);
                    default -> throw Problem.methodNotAllowed(method, request.path(), List.of("POST", "DELETE"));
                };
        message.setHeader(Exchange.HTTP_RESPONSE_CODE, NO_CONTENT);
        message.setHeader("Set-Cookie", cookie.encode());
    }

    private Cookie opened(HttpServerRequest request, byte[] body) {
        origin.require(request);
        Operation.requireJson(request.getHeader("Content-Type"));
        String token = token(StrictJson.object(body, "The body"));
        String address = request.remoteAddress().hostAddress();
        ObjectNode credential = limits.identifyArgument(token, PEOPLE, address);
        if (!credential.has("tokenHash")) {
            throw new Problem(
                    FORBIDDEN, "forbidden", "The console is not for a token of an attempt.", TOKEN, null, EXPECTED);
        }
        String session = Credentials.newSession(credential);
        String sessionHash = Sha256.hex(session);
        limits.drawLogin(credential, sessionHash);
        JsonNode opened = asked(
                credential,
                address,
                "open-session.sql",
                credential.get("tokenHash").textValue(),
                sessionHash);
        return cookie(session, opened.path("seconds").asLong());
    }

    private static String token(ObjectNode fields) {
        fields.fieldNames().forEachRemaining(name -> {
            if (!name.equals(TOKEN)) {
                throw Problem.unknownField(name, null, "The body has a field that is not known here.", EXPECTED);
            }
        });
        JsonNode token = fields.path(TOKEN);
        if (!token.isTextual()) {
            throw new Problem(BAD_REQUEST, "missing_field", "The body has no token.", TOKEN, null, EXPECTED);
        }
        return token.textValue();
    }

    private Cookie ended(HttpServerRequest request) {
        origin.require(request);
        // The same answer for a session that never was, so that nobody learns which ones there are.
        origin.session(request).map(Sha256::hex).ifPresent(session -> {
            rows("end-session.sql", session);
            streams.end(session);
        });
        return cookie("", 0);
    }

    /**
     * Identifies the person behind a session. Blocks while the database answers.
     *
     * @param credential the credential of the cookie, from {@link CallLimits#identifySession}
     * @param address where the call comes from
     * @return the principal: kind, name and namespace
     * @throws Problem 401 or 429 when the session is none or over, 503 when the database does not answer
     */
    JsonNode principal(ObjectNode credential, String address) {
        return asked(credential, address, "session-principal.sql", credential.toString());
    }

    /**
     * Finds the sessions that are over. Blocks while the database answers.
     *
     * @param sessions the SHA-256 of each cookie, in hex
     * @return those that are over or unknown
     */
    List<String> over(Collection<String> sessions) {
        return rows("sessions-over.sql", (Object) sessions.toArray(String[]::new)).stream()
                .map(row -> (String) row.get("session_hash"))
                .toList();
    }

    private JsonNode asked(ObjectNode credential, String address, String file, Object... parameters) {
        try {
            Object answer = rows(file, parameters).get(0).get("answer");
            limits.known(credential);
            return Json.read((String) answer);
        } catch (JsonProcessingException otherServer) {
            throw new IllegalStateException("Postgres does not write such JSON", otherServer);
        } catch (Problem refused) {
            throw refused.status() == UNAUTHORIZED ? limits.unknown(credential, address, refused) : refused;
        }
    }

    private List<Map<String, Object>> rows(String file, Object... parameters) {
        try {
            return statements.rows(STATEMENTS + file, parameters);
        } catch (DataAccessException failed) {
            throw problems.of(failed);
        }
    }

    private Cookie cookie(String value, long seconds) {
        return Cookie.cookie(origin.cookie(), value)
                .setPath("/")
                .setHttpOnly(true)
                .setSameSite(CookieSameSite.STRICT)
                .setSecure(secure)
                .setMaxAge(seconds);
    }
}
