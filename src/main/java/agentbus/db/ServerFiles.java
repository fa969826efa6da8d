package agentbus.db;

import agentbus.settings.SecretFile;
import agentbus.settings.StartFailure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/**
 * Where the own server keeps what.
 *
 * @param data the data directory of agentbus, by its real path
 */
record ServerFiles(Path data) {
    private static final long LONGEST_LOG_BYTES = 10_000_000;

    /**
     * The files below a data directory.
     *
     * @param data made if missing
     * @return the files
     * @throws StartFailure if the directory cannot be made, or the shell that starts the server would misread its name
     */
    static ServerFiles in(Path data) {
        SecretFile.createDirectories(data);
        try {
            Path real = data.toRealPath();
            if (real.toString().matches("(?s).*[\"$`\\\\\\n].*")) {
                throw new StartFailure(
                        "the data directory " + real
                                + " has a quote, dollar, backquote or backslash in its name; set agentbus.data.dir to another one");
            }
            return new ServerFiles(real);
        } catch (IOException e) {
            throw new StartFailure("cannot use the data directory " + data + ": " + SecretFile.reason(e), e);
        }
    }

    Path cluster() {
        return data.resolve("postgres");
    }

    Path binaries() {
        return data.resolve("postgres-binaries");
    }

    Path log() {
        return data.resolve("postgres.log");
    }

    /** Makes the log for the owner only; a long one is put aside, and the one put aside before it is dropped. */
    void openLog() throws IOException {
        if (Files.exists(log()) && Files.size(log()) > LONGEST_LOG_BYTES) {
            Files.move(log(), data.resolve("postgres.log.1"), StandardCopyOption.REPLACE_EXISTING);
        }
        if (!Files.exists(log())) {
            SecretFile.readOrCreate(log(), () -> "What the own Postgres of agentbus says.");
        }
    }

    Path lock() {
        return data.resolve("postgres.lock");
    }

    Path users() {
        return data.resolve("postgres.users");
    }

    Path passwordFile() {
        return data.resolve("postgres.password");
    }

    /** The superuser's password; made only where there is no data yet that asks for another one. */
    String password() {
        if (Files.exists(cluster()) && !Files.exists(passwordFile())) {
            throw new StartFailure(passwordFile() + " is missing, and the data in " + cluster()
                    + " cannot be opened without it; put it back from a backup");
        }
        return SecretFile.readOrCreate(passwordFile(), SecretFile::random);
    }
}
