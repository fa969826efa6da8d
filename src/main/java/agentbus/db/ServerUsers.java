package agentbus.db;

import agentbus.settings.SecretFile;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Who uses the own server, so that the last one to leave stops it and no other.
 *
 * <p>Each user keeps a file of its own locked. The kernel drops the lock with the process, however that ends, so a file
 * whose lock can be had is a dead user's. A second lock, {@link #exclusively}, lets one process at a time start, adopt or
 * stop the server.
 *
 * <p>POSIX takes all of a process's locks on a file away as soon as the process closes any channel to that file. Hence the
 * two precautions below: a user's file bears the mark of its process and is never opened by that process again; and who
 * waits for the common lock keeps one channel open until it has the lock.
 */
final class ServerUsers implements AutoCloseable {
    private final Path directory;
    private final Path file;
    private final FileChannel channel;

    private ServerUsers(Path directory, Path file, FileChannel channel) {
        this.directory = directory;
        this.file = file;
        this.channel = channel;
    }

    /**
     * Registers a user. Call it while holding {@link #exclusively}.
     *
     * @param directory holds the users' files; made if missing
     * @return the registration
     * @throws IOException if the file cannot be made or locked
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
     * Whether anyone else uses the server; clears away the files of users that have died.
     *
     * @return whether a living user is left
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
     * Waits for the right to start, adopt or stop the server.
     *
     * @param lockFile the common lock
     * @param patience how long to wait
     * @return the lock; closing its channel gives it back
     * @throws IOException if the file cannot be locked, or not in time
     */
    static FileLock exclusively(Path lockFile, java.time.Duration patience) throws IOException {
        long end = System.nanoTime() + patience.toNanos();
        FileChannel channel = FileChannel.open(lockFile, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        while (System.nanoTime() < end) {
            FileLock lock = tryLock(channel);
            if (lock != null) {
                return lock;
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
        }
        // The channel stays open on purpose: closing it could take the lock from another thread of this process.
        throw new IOException("another process has been starting or stopping the server for " + patience.toSeconds()
                + " seconds and holds " + lockFile);
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
            // Another thread of this process has it.
            return null;
        }
    }

    /** With its start, since a container gives every new process the same id. */
    private static String processMark() {
        ProcessHandle self = ProcessHandle.current();
        return self.pid() + "-"
                + self.info().startInstant().orElse(Instant.EPOCH).toEpochMilli() + "-";
    }
}
