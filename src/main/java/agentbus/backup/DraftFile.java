package agentbus.backup;

import agentbus.db.Cleanup;
import agentbus.settings.SecretFile;
import agentbus.settings.StartFailure;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A file that gets its name only when it is whole. Until then it is a hidden file beside it; it is readable by its owner
 * only, because an export holds every payload and the hashes of all tokens.
 */
final class DraftFile implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DraftFile.class);

    private final Path file;
    private final Path draft;
    private final FileChannel channel;
    private final Cleanup cleanup = new Cleanup("remove the draft");
    private long written;

    private DraftFile(Path file, Path draft, FileChannel channel) {
        this.file = file;
        this.draft = draft;
        this.channel = channel;
        cleanup.add(this::remove);
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
        try {
            return new DraftFile(absolute, draft, SecretFile.create(draft));
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
            SecretFile.publish(draft, file);
        } catch (FileAlreadyExistsException taken) {
            throw new IOException("another file took the name meanwhile", taken);
        }
        keepName();
    }

    /** Writes the directory to the disk. The file is whole already, so a file system that cannot do this fails nothing. */
    private void keepName() {
        if (!SecretFile.posix()) {
            return;
        }
        try (FileChannel directory = FileChannel.open(file.getParent(), StandardOpenOption.READ)) {
            directory.force(true);
        } catch (IOException e) {
            LOG.warn(
                    "{} is whole, but a crash of the machine within the next seconds may take its name: cannot sync {}: {}",
                    file,
                    file.getParent(),
                    SecretFile.reason(e));
        }
    }

    /** Closes and removes the draft. */
    @Override
    public void close() throws IOException {
        try {
            channel.close();
        } finally {
            cleanup.close();
        }
    }

    private void remove() {
        try {
            Files.deleteIfExists(draft);
        } catch (IOException e) {
            throw new StartFailure("cannot remove " + draft + ": " + SecretFile.reason(e) + "; remove it by hand", e);
        }
    }
}
