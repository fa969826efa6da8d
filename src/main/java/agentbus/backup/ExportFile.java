package agentbus.backup;

import agentbus.settings.SecretFile;
import agentbus.settings.StartFailure;
import agentbus.text.Sha256;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;

/** An export that was written before. */
final class ExportFile implements AutoCloseable {
    /** Chosen: the manifest of a hundred tables has 50 KB; a larger entry is no manifest. */
    private static final int LONGEST_TEXT = 16 << 20;

    private final Path file;
    private final ZipFile zip;
    private final Manifest manifest;

    private ExportFile(Path file, ZipFile zip, Manifest manifest) {
        this.file = file;
        this.zip = zip;
        this.manifest = manifest;
    }

    /**
     * Opens an export, and checks its manifest.
     *
     * @param file the file
     * @return the open export
     * @throws StartFailure if there is no such file, or it is no export, cut off, damaged, or edited
     */
    static ExportFile open(Path file) {
        ZipFile zip = zip(file);
        try {
            Map<String, String> sums = sums(text(file, zip, Export.SUMS), file);
            String json = text(file, zip, Export.MANIFEST);
            if (!Sha256.hex(json).equals(sums.get(Export.MANIFEST))) {
                throw new StartFailure(file + " is damaged or was edited: the SHA-256 of its " + Export.MANIFEST
                        + " is not the one in " + Export.SUMS);
            }
            return new ExportFile(file, zip, Manifest.parse(json, file.toString()));
        } catch (IOException e) {
            throw damaged(file, e);
        } catch (RuntimeException failed) {
            closeQuietly(zip, failed);
            throw failed;
        }
    }

    /** The manifest. */
    Manifest manifest() {
        return manifest;
    }

    /** The file's path. */
    Path path() {
        return file;
    }

    /**
     * Reads every table, and compares it with the manifest.
     *
     * @throws StartFailure if a table is missing, cut off, damaged or edited; the message names the table
     */
    void verify() {
        for (Manifest.Table table : manifest.tables()) {
            MessageDigest digest = Sha256.digest();
            long rows = 0;
            long bytes = 0;
            byte[] buffer = new byte[1 << 16];
            try (InputStream in = new DigestInputStream(rows(table), digest)) {
                for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                    bytes += read;
                    for (int i = 0; i < read; i++) {
                        if (buffer[i] == '\n') {
                            rows++;
                        }
                    }
                }
            } catch (IOException e) {
                throw damaged(file, "its table " + table.name() + " cannot be read (" + SecretFile.reason(e) + ")", e);
            }
            if (rows != table.rows()) {
                throw damaged(
                        file,
                        "its table " + table.name() + " has " + rows + " rows and the manifest says " + table.rows(),
                        null);
            }
            if (bytes != table.bytes()
                    || !HexFormat.of().formatHex(digest.digest()).equals(table.sha256())) {
                throw damaged(file, "the SHA-256 of its table " + table.name() + " is not the manifest's", null);
            }
        }
    }

    /**
     * The rows of a table, as COPY reads them. The caller closes the stream.
     *
     * @param table a table of the manifest
     * @return its lines
     * @throws StartFailure if the file has no such table
     */
    InputStream rows(Manifest.Table table) throws IOException {
        ZipEntry entry = zip.getEntry(table.entry());
        if (entry == null) {
            throw damaged(
                    file,
                    "its table " + table.name() + " is missing (" + table.rows() + " rows by the manifest)",
                    null);
        }
        return zip.getInputStream(entry);
    }

    @Override
    public void close() throws IOException {
        zip.close();
    }

    private static ZipFile zip(Path file) {
        if (Files.isDirectory(file)) {
            throw new StartFailure(file + " is a directory; name the file of an export");
        }
        try {
            return new ZipFile(file.toFile());
        } catch (NoSuchFileException e) {
            throw new StartFailure("there is no file " + file, e);
        } catch (ZipException e) {
            throw new StartFailure(
                    file + " is no export, or is cut off: it does not end as a zip archive ends (" + e.getMessage()
                            + ")",
                    e);
        } catch (IOException e) {
            throw new StartFailure("cannot read " + file + ": " + SecretFile.reason(e), e);
        }
    }

    private static String text(Path file, ZipFile zip, String name) throws IOException {
        ZipEntry entry = zip.getEntry(name);
        if (entry == null) {
            throw new StartFailure(file + " is no export of agentbus, or a part of it is missing: it has no " + name);
        }
        try (InputStream in = zip.getInputStream(entry)) {
            byte[] bytes = in.readNBytes(LONGEST_TEXT);
            return new String(bytes, StandardCharsets.UTF_8);
        }
    }

    private static Map<String, String> sums(String text, Path file) {
        Map<String, String> sums = new TreeMap<>();
        for (String line : text.split("\n")) {
            String[] parts = line.split(" {2}", 2);
            if (parts.length != 2) {
                throw new StartFailure(file + " is damaged: its " + Export.SUMS + " has a line that is none");
            }
            sums.put(parts[1], parts[0]);
        }
        return sums;
    }

    private static StartFailure damaged(Path file, IOException e) {
        return damaged(file, SecretFile.reason(e), e);
    }

    private static StartFailure damaged(Path file, String how, Throwable cause) {
        return new StartFailure(file + " is damaged or was edited: " + how + "; take another backup", cause);
    }

    private static void closeQuietly(ZipFile zip, RuntimeException failed) {
        try {
            zip.close();
        } catch (IOException e) {
            failed.addSuppressed(e);
        }
    }
}
