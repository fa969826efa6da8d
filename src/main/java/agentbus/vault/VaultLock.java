package agentbus.vault;

import agentbus.settings.SecretFile;
import agentbus.settings.StartFailure;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;

/** The lock file of a vault's folder. While a process holds it, no other process writes the folder. */
final class VaultLock implements AutoCloseable {
    /** The name of the lock file. */
    static final String FILE = ".agentbus-vault.lock";

    private final FileChannel channel;

    private VaultLock(FileChannel channel) {
        this.channel = channel;
    }

    /**
     * Takes the lock of a folder.
     *
     * @param root the folder, with no link in its path
     * @param directory the folder, as the caller has named it
     * @return the lock
     * @throws StartFailure when another process holds it, or the folder cannot be written
     */
    static VaultLock take(Path root, Path directory) {
        VaultLock lock = null;
        try {
            lock = new VaultLock(FileChannel.open(
                    root.resolve(FILE),
                    Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS)));
            FileLock held = lock.channel.tryLock();
            if (held == null) {
                throw new OverlappingFileLockException();
            }
            return lock;
        } catch (OverlappingFileLockException busy) {
            lock.close();
            throw new StartFailure(
                    "another process writes the vault in " + directory + " at this moment; try again when it has ended",
                    busy);
        } catch (IOException e) {
            if (lock != null) {
                lock.close();
            }
            throw new StartFailure("cannot write into " + directory + ": " + SecretFile.reason(e), e);
        }
    }

    /** Gives the lock back. */
    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new StartFailure("cannot close the lock of a vault: " + SecretFile.reason(e), e);
        }
    }
}
