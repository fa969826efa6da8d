package agentbus.backup;

import agentbus.settings.SecretFile;
import agentbus.settings.StartFailure;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.UUID;

/**
 * A file that gets its name only when it is whole. Until then it is a hidden file beside it; it is readable by its owner
 * only, because an export holds every payload and the hashes of all tokens.
 */
final class DraftFile implements AutoCloseable {
    private final Path file;
    private final Path draft;
    private final FileChannel channel;
    private long written;

    private DraftFile(Path file, Path draft, FileChannel channel) {
        this.file = file;
        this.draft = draft;
        this.channel = channel;
    }

    /**
     * Begins a file.
     *
     * @param file the name that it is to have; nothing may have this name yet
     * @return the open draft
     * @throws StartFailure if the name is taken, or its directory is missing or cannot be written
     */
    static DraftFile begin(Path file) {
        Path absolute = file.toAbsolutePath().normalize();
        if (Files.exists(absolute)) {
            throw new StartFailure(
                    file + " exists already, and an export replaces no file; name another one, or remove it first");
        }
        Path directory = absolute.getParent();
        if (directory == null || !Files.isDirectory(directory)) {
            throw new StartFailure("cannot write " + file + ": there is no directory " + directory);
        }
        Path draft = directory.resolve("." + absolute.getFileName() + "." + UUID.randomUUID());
        boolean posix = FileSystems.getDefault().supportedFileAttributeViews().contains("posix");
        FileAttribute<?>[] ownerOnly = posix
                ? new FileAttribute<?>[] {
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))
                }
                : new FileAttribute<?>[0];
        try {
            return new DraftFile(
                    absolute,
                    draft,
                    FileChannel.open(
                            draft, Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE), ownerOnly));
        } catch (IOException e) {
            throw new StartFailure("cannot write " + file + ": " + SecretFile.reason(e), e);
        }
    }

    /** Appends to the draft; counts the bytes. The stream need not be closed. */
    OutputStream out() {
        return new FilterOutputStream(Channels.newOutputStream(channel)) {
            @Override
            public void write(byte[] bytes, int from, int length) throws IOException {
                out.write(bytes, from, length);
                written += length;
            }

            @Override
            public void close() throws IOException {
                flush();
            }
        };
    }

    /** The bytes written so far. */
    long written() {
        return written;
    }

    /**
     * Gives the draft its name, when its bytes are on the disk.
     *
     * @throws IOException if they cannot be written, or the name was taken meanwhile
     */
    void publish() throws IOException {
        channel.force(true);
        try {
            // A link never replaces an existing file.
            Files.createLink(file, draft);
        } catch (UnsupportedOperationException noLinks) {
            Files.move(draft, file);
        } catch (FileAlreadyExistsException taken) {
            throw new IOException("another file took the name meanwhile", taken);
        }
    }

    /** Closes and removes the draft. */
    @Override
    public void close() throws IOException {
        channel.close();
        Files.deleteIfExists(draft);
    }
}
