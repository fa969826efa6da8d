package agentbus.db;

import agentbus.settings.SecretFile;
import agentbus.settings.StartFailure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/**
 * The files of the embedded server.
 *
 * @param data the real path of the data directory
 */
record ServerFiles(Path data) {
    /** Chosen: two logs of 10 MB hold months of a healthy server and cannot fill a disk. */
    private static final long LONGEST_LOG_BYTES = 10_000_000;

    /** The rights at its data directory that Postgres accepts. */
    private static final Set<String> ACCEPTED = Set.of("rwx------", "rwxr-x---");

    /**
     * The files in a data directory.
     *
     * @param data the data directory; created if missing
     * @return the files
     * @throws StartFailure if the directory cannot be created, or has characters in its name that the shell of
     *     {@code pg_ctl} would interpret
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

    /** Takes away rights of others at the data directory, with which Postgres would not start; fsGroup gives them. */
    void closeCluster() throws IOException {
        Set<PosixFilePermission> now = Files.getPosixFilePermissions(cluster());
        if (!ACCEPTED.contains(PosixFilePermissions.toString(now))) {
            Files.setPosixFilePermissions(cluster(), PosixFilePermissions.fromString("rwx------"));
        }
    }

    Path binaries() {
        return data.resolve("postgres-binaries");
    }

    Path log() {
        return data.resolve("postgres.log");
    }

    /** Creates the log, readable by its owner only. Rotates a log over 10 MB, and keeps one old log. */
    void openLog() throws IOException {
        if (Files.exists(log()) && Files.size(log()) > LONGEST_LOG_BYTES) {
            Files.move(log(), data.resolve("postgres.log.1"), StandardCopyOption.REPLACE_EXISTING);
        }
        if (!Files.exists(log())) {
            SecretFile.readOrCreate(log(), () -> "The log of the embedded Postgres of agentbus.");
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

    Path superuserPasswordFile() {
        return data.resolve("postgres-superuser.password");
    }

    /** The password of the superuser; made at the first call. */
    String superuserPassword() {
        return SecretFile.readOrCreate(superuserPasswordFile(), SecretFile::random);
    }

    /**
     * The password of the bus's role. A new one is made only while there is no data directory, because existing data keeps
     * its old password.
     */
    String password() {
        if (Files.exists(cluster()) && !Files.exists(passwordFile())) {
            throw new StartFailure(passwordFile() + " is missing, and the data in " + cluster()
                    + " cannot be opened without it; put it back from a backup");
        }
        return SecretFile.readOrCreate(passwordFile(), SecretFile::random);
    }
}
