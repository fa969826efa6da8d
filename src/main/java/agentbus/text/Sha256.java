package agentbus.text;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** The hash by which tokens, prompts, files and orders are compared. */
public final class Sha256 {
    private Sha256() {}

    /**
     * Hashes bytes.
     *
     * @param bytes any bytes
     * @return 32 bytes
     */
    public static byte[] of(byte[] bytes) {
        return digest().digest(bytes);
    }

    /**
     * A digest for bytes that come one part after the other.
     *
     * @return an empty digest
     */
    public static MessageDigest digest() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    /**
     * Hashes a text in UTF-8.
     *
     * @param text any text
     * @return 32 bytes
     */
    public static byte[] of(String text) {
        return of(text.getBytes(StandardCharsets.UTF_8));
    }

    /**
     * Hashes bytes.
     *
     * @param bytes any bytes
     * @return the hash as 64 hex digits
     */
    public static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(of(bytes));
    }

    /**
     * Hashes a text in UTF-8.
     *
     * @param text any text
     * @return the hash as 64 hex digits
     */
    public static String hex(String text) {
        return HexFormat.of().formatHex(of(text));
    }
}
