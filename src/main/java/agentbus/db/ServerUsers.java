package agentbus.db;

import agentbus.settings.SecretFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The processes that use the embedded server. The last process to leave stops the server.
 *
 * <p>Each user holds a lock on its own file. The kernel drops the lock when the process ends, so a file without a lock
 * belongs to a dead user. A second lock, {@link #exclusively}, lets one process at a time start, adopt or stop the
 * server.
 *
 * <p>POSIX releases all locks of a process on a file when the process closes any channel to that file. Therefore a
 * process never reopens its own users' files, which it knows by a mark in their names. For the same reason, a process
 * that waits for the second lock keeps one channel open until it has the lock.
 */
final class ServerUsers implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ServerUsers.class);

    private final Path directory;
    private final Path file;
    private final FileChannel channel;

    private ServerUsers(Path directory, Path file, FileChannel channel) {
        this.directory = directory;
        this.file = file;
        this.channel = channel;
    }

    /**
     * Registers a user. The caller must hold {@link #exclusively}.
     *
     * @param directory the directory of the users' files; created if missing
     * @return the registration
     * @throws IOException if the file cannot be created or locked
     */
    static ServerUsers join(Path directory) throws IOException {
        SecretFile.createDirectories(directory);
        Path file = directory.resolve(processMark() + UUID.randomUUID());
        FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        channel.lock();
        return new ServerUsers(directory, file, channel);
    }

    /** Ends the registration. */
    @Override
    public void close() throws IOException {
        try (channel) {
            Files.deleteIfExists(file);
        }
    }

    /**
     * Whether another user is alive; deletes the files of dead users.
     *
     * @return true if another user is alive
     * @throws IOException if the directory cannot be read
     */
    boolean others() throws IOException {
        boolean found = false;
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
            for (Path other : files) {
                if (!other.equals(file) && alive(other)) {
                    found = true;
                }
            }
        }
        return found;
    }

    /**
     * Waits for the exclusive right to start, adopt or stop the server.
     *
     * @param lockFile the file of the second lock
     * @param patience how long to wait
     * @return the lock; closing its channel releases it
     * @throws IOException if the file cannot be locked, or not within that time
     */
    static FileLock exclusively(Path lockFile, java.time.Duration patience) throws IOException {
        long begin = System.nanoTime();
        long end = begin + patience.toNanos();
        boolean told = false;
        FileChannel channel = FileChannel.open(
                lockFile, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        while (System.nanoTime() < end) {
            FileLock lock = tryLock(channel);
            if (lock != null) {
                channel.truncate(0)
                        .write(
                                StandardCharsets.UTF_8.encode(
                                        Long.toString(ProcessHandle.current().pid())),
                                0);
                return lock;
            }
            if (Thread.currentThread().isInterrupted()) {
                throw new IOException("interrupted while " + holder(channel) + " was starting or stopping the server");
            }
            if (!told && System.nanoTime() > begin + EmbeddedServer.SOON.toNanos()) {
                told = true;
                LOG.info("Waiting for {}, which starts or stops the embedded Postgres ({})", holder(channel), lockFile);
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
        }
        // The channel stays open on purpose: closing it could release a lock that another thread of this process holds.
        throw new IOException(holder(channel) + " has been starting or stopping the server for " + patience.toSeconds()
                + " seconds and holds " + lockFile);
    }

    /** The process that has written its id into the file of the second lock. */
    private static String holder(FileChannel channel) throws IOException {
        ByteBuffer id = ByteBuffer.allocate(20);
        channel.read(id, 0);
        String text = new String(id.array(), 0, id.position(), StandardCharsets.UTF_8);
        return text.matches("[0-9]+") ? "process " + text : "another process";
    }

    private static boolean alive(Path other) throws IOException {
        if (other.getFileName().toString().startsWith(processMark())) {
            return true;
        }
        try (FileChannel probe = FileChannel.open(other, StandardOpenOption.WRITE)) {
            if (tryLock(probe) == null) {
                return true;
            }
            Files.deleteIfExists(other);
            return false;
        }
    }

    private static FileLock tryLock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock();
        } catch (OverlappingFileLockException e) {
            // Another thread of this process holds the lock.
            return null;
        }
    }

    /** Includes the start time, because in a container every new process may have the same id. */
    private static String processMark() {
        ProcessHandle self = ProcessHandle.current();
        return self.pid() + "-"
                + self.info().startInstant().orElse(Instant.EPOCH).toEpochMilli() + "-";
    }
}
