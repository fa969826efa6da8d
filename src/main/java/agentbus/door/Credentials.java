package agentbus.door;

import agentbus.contract.Problem;
import agentbus.start.ServerKey;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;

/**
 * Turns a bearer token into the credential that {@code principal_of} takes. An attempt's token is verified here, by deriving
 * it again; of the long-lived ones only the hash goes to the database, which alone knows them.
 */
public final class Credentials {
    private static final int ATTEMPT_ID_LENGTH = 22;
    /** Of an operator, an agent and a gateway. */
    private static final List<String> LONG_LIVED = List.of("abo_", "aba_", "abg_");

    private final ServerKey key;

    /**
     * Credentials under one server key.
     *
     * @param key derives the attempts' tokens
     */
    public Credentials(ServerKey key) {
        this.key = key;
    }

    /**
     * The credential of a call.
     *
     * @param authorization the Authorization header, or null
     * @param allowed the kinds of principal that the operation is for
     * @return attemptId or tokenHash, and allowed
     * @throws Problem 401 {@code missing_token} or {@code invalid_token}
     */
    public ObjectNode of(String authorization, List<String> allowed) {
        if (authorization == null || authorization.isBlank()) {
            throw new Problem(
                    401,
                    "missing_token",
                    "This call has no token.",
                    "Authorization",
                    null,
                    "Authorization: Bearer <token>");
        }
        String[] words = authorization.strip().split("\\s+");
        if (words.length != 2 || !words[0].equalsIgnoreCase("Bearer")) {
            throw invalid("The Authorization header is not a bearer token.");
        }
        ObjectNode credential = JsonNodeFactory.instance.objectNode();
        if (words[1].startsWith("abt_")) {
            credential.put("attemptId", attemptId(words[1]).toString());
        } else if (LONG_LIVED.stream().anyMatch(words[1]::startsWith)) {
            credential.put("tokenHash", hash(words[1]));
        } else {
            throw invalid("The token is not one of this bus.");
        }
        allowed.forEach(credential.putArray("allowed")::add);
        return credential;
    }

    /**
     * The SHA-256 of a token.
     *
     * @param token the token
     * @return 64 hex digits
     */
    public static String hash(String token) {
        return HexFormat.of().formatHex(sha256(token));
    }

    /**
     * The SHA-256 of a token.
     *
     * @param token the token
     * @return 32 bytes
     */
    public static byte[] sha256(String token) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(token.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    private UUID attemptId(String token) {
        try {
            String id = token.substring(4, 4 + ATTEMPT_ID_LENGTH);
            ByteBuffer bytes = ByteBuffer.wrap(Base64.getUrlDecoder().decode(id));
            UUID attemptId = new UUID(bytes.getLong(), bytes.getLong());
            byte[] right = key.attemptToken(attemptId).getBytes(StandardCharsets.UTF_8);
            // Takes the same time however much of the guess is right.
            if (MessageDigest.isEqual(right, token.getBytes(StandardCharsets.UTF_8))) {
                return attemptId;
            }
        } catch (IndexOutOfBoundsException | IllegalArgumentException malformed) {
            throw invalid("The attempt token is malformed; take it from the prompt as it stands.");
        }
        throw invalid("The attempt token was not made by this bus.");
    }

    private static Problem invalid(String detail) {
        return new Problem(
                401,
                "invalid_token",
                detail,
                "Authorization",
                null,
                "Bearer abo_… of an operator, aba_… of an agent, abg_… of a gateway or abt_… of an attempt");
    }
}
