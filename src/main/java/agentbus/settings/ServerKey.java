package agentbus.settings;

import agentbus.text.Sha256;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * The key from which the tokens of attempts are derived.
 *
 * <p>No token is stored, because any node with the key can derive the token again and thus repeat the prompt byte for
 * byte. Therefore all nodes of one bus must have the same key; {@link #fingerprint()} shows whether they do.
 */
public final class ServerKey {
    /** The environment variable that gives the key to nodes that share no directory. */
    public static final String VARIABLE = "AGENTBUS_SERVER_KEY";

    /** The file in the data directory that keeps the key. */
    public static final String FILE = "server.key";

    private static final int LEAST_BYTES = 32;
    private static final Base64.Encoder BASE64 = Base64.getUrlEncoder().withoutPadding();

    private final SecretKeySpec key;
    private final String fingerprint;

    private ServerKey(byte[] bytes) {
        this.key = new SecretKeySpec(bytes, "HmacSHA256");
        this.fingerprint = HexFormat.of().formatHex(Sha256.of(bytes), 0, 8);
    }

    /**
     * Reads the key from the environment, else from {@code server.key} in the data directory; the first start creates
     * that file.
     *
     * @param dataDirectory the directory of the file
     * @param environment the process's variables; {@value #VARIABLE} is base64url or hex, 32 bytes or more
     * @return the key
     * @throws StartFailure if the key is malformed or too short, or if strangers can access the file, see
     *     {@link SecretFile#openMode}
     */
    public static ServerKey load(Path dataDirectory, Map<String, String> environment) {
        String given = environment.getOrDefault(VARIABLE, "").strip();
        if (!given.isEmpty()) {
            return new ServerKey(decode(given, "the environment variable " + VARIABLE));
        }
        Path file = dataDirectory.resolve(FILE);
        String content = SecretFile.readOrCreate(file, SecretFile::random);
        String mode = SecretFile.openMode(file);
        if (!mode.isEmpty()) {
            throw new StartFailure("the key file " + file + " has mode " + mode
                    + ", so others than its owner may get at it; run: chmod 600 " + file + ", or give the key in "
                    + VARIABLE);
        }
        return new ServerKey(decode(content, "the key file " + file));
    }

    /**
     * Reads the key if there is one, and never makes one.
     *
     * @param dataDirectory the directory of the file
     * @param environment the process's variables
     * @return the key; empty if neither the environment nor the directory has one
     * @throws StartFailure as {@link #load}
     */
    public static Optional<ServerKey> find(Path dataDirectory, Map<String, String> environment) {
        boolean given = !environment.getOrDefault(VARIABLE, "").isBlank();
        return given || Files.exists(dataDirectory.resolve(FILE))
                ? Optional.of(load(dataDirectory, environment))
                : Optional.empty();
    }

    /**
     * Derives the token with which an agent reports on one attempt. The same key and attempt always give the same
     * token.
     *
     * @param attemptId the attempt's id
     * @return {@code abt_<id>.<hmac>}, both parts base64url without padding, 70 characters
     */
    public String attemptToken(UUID attemptId) {
        byte[] id = ByteBuffer.allocate(16)
                .putLong(attemptId.getMostSignificantBits())
                .putLong(attemptId.getLeastSignificantBits())
                .array();
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(key);
            return "abt_" + BASE64.encodeToString(id) + "." + BASE64.encodeToString(mac.doFinal(id));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK has HmacSHA256", e);
        }
    }

    /**
     * Identifies the key without revealing it.
     *
     * @return the first 8 bytes of the key's SHA-256, 16 hex digits
     */
    public String fingerprint() {
        return fingerprint;
    }

    @Override
    public String toString() {
        return "ServerKey[" + fingerprint + "]";
    }

    private static byte[] decode(String text, String where) {
        byte[] bytes;
        try {
            bytes = text.matches("([0-9a-fA-F]{2}){32,}")
                    ? HexFormat.of().parseHex(text)
                    : Base64.getUrlDecoder().decode(text);
        } catch (IllegalArgumentException e) {
            throw new StartFailure(where + " is neither base64url nor hex; make one with: openssl rand -hex 32");
        }
        if (bytes.length < LEAST_BYTES) {
            int found = bytes.length;
            Arrays.fill(bytes, (byte) 0);
            throw new StartFailure(where + " holds " + found + " bytes and needs " + LEAST_BYTES
                    + " or more; make one with: openssl rand -hex 32");
        }
        return bytes;
    }
}
