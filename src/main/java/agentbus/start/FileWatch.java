package agentbus.start;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Watches directories for changed, new and removed files. A change is reported when two scans in a row find the same
 * state, so a file that an editor is still writing is not reported.
 */
final class FileWatch implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(FileWatch.class);

    /** Chosen: a change is reported within a second, and a scan of two hundred files takes a few milliseconds. */
    private static final long LOOK_MS = 400;

    /** The time and size of a file; a difference in either is a change. */
    private record State(FileTime changed, long size) {}

    private final List<Path> directories;
    private final Consumer<Path> onChange;
    private final Thread thread = new Thread(this::watch, "reload");
    private final Map<Path, State> taken;
    private Map<Path, State> seen;
    private final CountDownLatch closed = new CountDownLatch(1);

    /**
     * Starts a watch, which reports changes from now on.
     *
     * @param directories the directories to watch, with their subdirectories; they need not exist
     * @param onChange called with each changed, new or removed file, on the watch's thread; must not throw
     */
    FileWatch(List<Path> directories, Consumer<Path> onChange) {
        this.directories = directories;
        this.onChange = onChange;
        this.taken = look();
        this.seen = new HashMap<>(taken);
        thread.setDaemon(true);
        thread.start();
    }

    private void watch() {
        try {
            while (!closed.await(LOOK_MS, TimeUnit.MILLISECONDS)) {
                lookOnce();
            }
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
    }

    private void lookOnce() {
        Map<Path, State> now;
        try {
            now = look();
        } catch (UncheckedIOException unreadable) {
            // A directory was removed during the scan. An incomplete scan would report its other files as removed.
            LOG.debug("Scanning again: {}", unreadable.getMessage());
            return;
        }
        for (Path file : settled(now)) {
            if (now.containsKey(file)) {
                taken.put(file, now.get(file));
            } else {
                taken.remove(file);
            }
            onChange.accept(file);
        }
        seen = now;
    }

    /** The files that differ from their reported state and have not changed since the previous scan. */
    private Iterable<Path> settled(Map<Path, State> now) {
        TreeSet<Path> files = new TreeSet<>(taken.keySet());
        files.addAll(now.keySet());
        files.removeIf(file -> same(now.get(file), taken.get(file)) || !same(now.get(file), seen.get(file)));
        return files;
    }

    private static boolean same(State one, State other) {
        return one == null ? other == null : one.equals(other);
    }

    private Map<Path, State> look() {
        Map<Path, State> states = new HashMap<>();
        for (Path directory : directories) {
            if (Files.isDirectory(directory)) {
                try {
                    Files.walkFileTree(directory, new Look(directory, states));
                } catch (IOException unreadable) {
                    throw new UncheckedIOException(unreadable);
                }
            }
        }
        return states;
    }

    /** Notes each file below a directory, but not the files that editors and version control keep there. */
    private static final class Look extends SimpleFileVisitor<Path> {
        private final Path top;
        private final Map<Path, State> states;

        Look(Path top, Map<Path, State> states) {
            this.top = top;
            this.states = states;
        }

        @Override
        public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes) {
            return directory.equals(top) || counts(directory) ? FileVisitResult.CONTINUE : FileVisitResult.SKIP_SUBTREE;
        }

        @Override
        public FileVisitResult visitFile(Path file, BasicFileAttributes ofLink) throws IOException {
            if (counts(file)) {
                try {
                    BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
                    if (attributes.isRegularFile()) {
                        states.put(file, new State(attributes.lastModifiedTime(), attributes.size()));
                    }
                } catch (NoSuchFileException gone) {
                    states.remove(file);
                }
            }
            return FileVisitResult.CONTINUE;
        }

        @Override
        public FileVisitResult visitFileFailed(Path file, IOException failed) throws IOException {
            if (failed instanceof NoSuchFileException) {
                return FileVisitResult.CONTINUE;
            }
            throw failed;
        }

        private static boolean counts(Path file) {
            String name = file.getFileName().toString();
            return !name.startsWith(".") && !name.endsWith("~");
        }
    }

    /** Ends the watch, and waits until the change in progress has been processed. */
    @Override
    public void close() {
        closed.countDown();
        try {
            thread.join();
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
