package agentbus.settings;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The file with the first operator's token, so that the owner of the data directory can use the command line at once.
 *
 * <p>The token itself is never logged; the file's path may be.
 */
public final class OperatorTokenFile {
    /** The file's name in the data directory. */
    public static final String FILE = "operator.token";

    private static final Logger LOG = LoggerFactory.getLogger(OperatorTokenFile.class);

    private final Path path;
    private final String token;

    private OperatorTokenFile(Path path, String token) {
        this.path = path;
        this.token = token;
    }

    /**
     * Opens the file. The first start creates the file with mode 600; its token is {@code abo_} and 32 random bytes in
     * base64url.
     *
     * @param dataDirectory the directory of the file; created if missing
     * @return the file with its token
     * @throws StartFailure if the file cannot be read or written, or is empty
     */
    public static OperatorTokenFile open(Path dataDirectory) {
        Path path = dataDirectory.resolve(FILE);
        String token = SecretFile.readOrCreate(path, () -> "abo_" + SecretFile.random());
        warnIfOpen(path);
        return new OperatorTokenFile(path, token);
    }

    /**
     * Reads the file if it exists; the command line uses this.
     *
     * @param dataDirectory the directory of the file
     * @return the file with its token; empty if no bus has ever started here
     * @throws StartFailure if the file exists and cannot be read, or is empty
     */
    public static Optional<OperatorTokenFile> find(Path dataDirectory) {
        Path path = dataDirectory.resolve(FILE);
        if (!Files.exists(path)) {
            return Optional.empty();
        }
        warnIfOpen(path);
        return Optional.of(new OperatorTokenFile(path, SecretFile.read(path)));
    }

    /**
     * The secret.
     *
     * @return the token, {@code abo_…}
     */
    public String token() {
        return token;
    }

    /**
     * The path of the file.
     *
     * @return the file's path
     */
    public Path path() {
        return path;
    }

    @Override
    public String toString() {
        return "OperatorTokenFile[" + path + "]";
    }

    private static void warnIfOpen(Path path) {
        String mode = SecretFile.openMode(path);
        if (!mode.isEmpty()) {
            LOG.warn("{} has mode {}: others than its owner may get at the token; run: chmod 600 {}", path, mode, path);
        }
    }
}
