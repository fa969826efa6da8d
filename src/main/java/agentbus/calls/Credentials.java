package agentbus.calls;

import agentbus.contract.Problem;
import agentbus.settings.SecretFile;
import agentbus.settings.ServerKey;
import agentbus.text.Sha256;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.List;
import java.util.UUID;

/**
 * Turns a bearer token, or the cookie of a session, into the credential that the SQL function {@code principal_of}
 * takes. An attempt's token is verified here, by deriving the token again. A long-lived token and a cookie are verified
 * by the database, which receives only the hash.
 */
public final class Credentials {
    /** The prefix of an operator's token. */
    static final String OPERATOR = "abo_";
    /** The prefix of a gateway's token. */
    static final String GATEWAY = "abg_";
    /** The prefix of the token of a viewer, who only looks. */
    static final String VIEWER = "abv_";
    /** The prefix of the cookie of an operator's session. */
    static final String SESSION = "abs_";
    /**
     * The prefix of the cookie of a viewer's session. The database knows the hash of the whole cookie, so a cookie with
     * another prefix is none that it knows.
     */
    static final String VIEWER_SESSION = "abw_";

    private static final String ATTEMPT = "abt_";
    private static final int ATTEMPT_ID_LENGTH = 22;
    private static final Place HEADER = new Place("Authorization", "Bearer ");
    private static final Place ARGUMENT = new Place("token", "");
    private static final Place COOKIE = new Place("agentbus_session", "");
    /** The prefixes of the tokens of operators, viewers, agents and gateways. */
    private static final List<String> LONG_LIVED = List.of(OPERATOR, VIEWER, "aba_", GATEWAY);

    private final ServerKey key;

    /** The position of a token in a call: the field's name, and the text in front of the token. */
    private record Place(String field, String prefix) {}

    /**
     * Reads tokens under one server key.
     *
     * @param key derives the attempts' tokens
     */
    public Credentials(ServerKey key) {
        this.key = key;
    }

    /**
     * The credential of an HTTP call.
     *
     * @param authorization the Authorization header, or null
     * @param allowed the kinds of principal that the operation is for
     * @return an object with attemptId or tokenHash, with allowed, and with form; the form is the token's prefix, which
     *     names the kind of principal that the token claims
     * @throws Problem 401 {@code missing_token} or {@code invalid_token}
     */
    public ObjectNode of(String authorization, List<String> allowed) {
        if (authorization == null || authorization.isBlank()) {
            throw missing(HEADER, "Authorization: Bearer <token>");
        }
        String[] words = authorization.strip().split("\\s+");
        if (words.length != 2 || !words[0].equalsIgnoreCase("Bearer")) {
            throw invalid(HEADER, "The Authorization header is not a bearer token.");
        }
        return credential(words[1], allowed, HEADER);
    }

    /**
     * The credential of a call that carries its token as an argument.
     *
     * @param token the token, or null
     * @param allowed the kinds of principal that the operation is for
     * @return an object as {@link #of} returns it
     * @throws Problem 401 {@code missing_token} or {@code invalid_token}, about the field {@code token}
     */
    public ObjectNode ofArgument(String token, List<String> allowed) {
        if (token == null || token.isBlank()) {
            throw missing(ARGUMENT, "the token of your attempt, abt_…");
        }
        return credential(token.strip(), allowed, ARGUMENT);
    }

    /**
     * Makes the cookie of a new session.
     *
     * @param credential the token that logs in
     * @return a random text that nobody can guess
     */
    public static String newSession(ObjectNode credential) {
        String prefix = VIEWER.equals(credential.path("form").asText()) ? VIEWER_SESSION : SESSION;
        return prefix + SecretFile.random();
    }

    /**
     * The credential of a call with the cookie of a session.
     *
     * @param cookie the cookie's value
     * @param allowed the kinds of principal that the operation is for
     * @return an object with sessionHash, allowed and form
     * @throws Problem 401 {@code invalid_token}, when the cookie is none of this bus
     */
    public ObjectNode ofSession(String cookie, List<String> allowed) {
        if (!cookie.startsWith(SESSION) && !cookie.startsWith(VIEWER_SESSION)) {
            throw new Problem(
                    401,
                    "invalid_token",
                    "The cookie is not one of this bus.",
                    COOKIE.field,
                    null,
                    "the cookie of POST /console/session");
        }
        ObjectNode credential = JsonNodeFactory.instance.objectNode();
        credential.put("sessionHash", Sha256.hex(cookie));
        credential.put("form", cookie.substring(0, SESSION.length()));
        allowed.forEach(credential.putArray("allowed")::add);
        return credential;
    }

    private ObjectNode credential(String token, List<String> allowed, Place place) {
        ObjectNode credential = JsonNodeFactory.instance.objectNode();
        if (token.startsWith(ATTEMPT)) {
            credential.put("attemptId", attemptId(token, place).toString());
        } else if (LONG_LIVED.stream().anyMatch(token::startsWith)) {
            credential.put("tokenHash", Sha256.hex(token));
        } else {
            throw invalid(place, "The token is not one of this bus.");
        }
        credential.put("form", token.substring(0, ATTEMPT.length()));
        allowed.forEach(credential.putArray("allowed")::add);
        return credential;
    }

    private UUID attemptId(String token, Place place) {
        try {
            String id = token.substring(4, 4 + ATTEMPT_ID_LENGTH);
            ByteBuffer bytes = ByteBuffer.wrap(Base64.getUrlDecoder().decode(id));
            UUID attemptId = new UUID(bytes.getLong(), bytes.getLong());
            byte[] right = key.attemptToken(attemptId).getBytes(StandardCharsets.UTF_8);
            // The comparison takes the same time for every guess, so its time reveals nothing.
            if (MessageDigest.isEqual(right, token.getBytes(StandardCharsets.UTF_8))) {
                return attemptId;
            }
        } catch (IndexOutOfBoundsException | IllegalArgumentException malformed) {
            throw invalid(place, "The attempt token is malformed; take it from the prompt as it stands.");
        }
        throw invalid(place, "The attempt token was not made by this bus.");
    }

    private static Problem missing(Place place, String expected) {
        return new Problem(401, "missing_token", "This call has no token.", place.field, null, expected);
    }

    private static Problem invalid(Place place, String detail) {
        String expected = place.prefix
                + "abo_… of an operator, abv_… of a viewer, aba_… of an agent, abg_… of a gateway or abt_… of an"
                + " attempt";
        return new Problem(401, "invalid_token", detail, place.field, null, expected);
    }
}
