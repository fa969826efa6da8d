package agentbus.start;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Watches directories for files that were changed, made or removed. A file counts as changed once two looks have found it the
 * same: an editor that writes in steps is not met half way.
 */
final class FileWatch implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(FileWatch.class);

    /** Chosen: a change is seen within a second, and a look at two hundred files takes a few milliseconds. */
    private static final long LOOK_MS = 400;

    /** What tells one state of a file from another. */
    private record State(FileTime changed, long size) {}

    private final List<Path> directories;
    private final Consumer<Path> onChange;
    private final Thread thread = new Thread(this::watch, "reload");
    private final Map<Path, State> taken;
    private Map<Path, State> seen;
    private final CountDownLatch closed = new CountDownLatch(1);

    /**
     * A watch that has begun: what is changed from now on is told.
     *
     * @param directories where to look, with what lies below; they need not exist
     * @param onChange is given each file, on a thread of the watch; must not throw
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
            // A directory was removed while it was walked: half a look would take the other files for removed.
            LOG.debug("Looking again: {}", unreadable.getMessage());
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

    /** The files that are not as they were taken, and have not moved since the look before. */
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
                try (Stream<Path> files = Files.walk(directory)) {
                    files.filter(FileWatch::counts).forEach(file -> note(file, states));
                } catch (IOException unreadable) {
                    throw new UncheckedIOException(unreadable);
                }
            }
        }
        return states;
    }

    /** Not what editors keep beside a file. */
    private static boolean counts(Path file) {
        String name = file.getFileName().toString();
        return !name.startsWith(".") && !name.endsWith("~");
    }

    private static void note(Path file, Map<Path, State> states) {
        try {
            BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
            if (attributes.isRegularFile()) {
                states.put(file, new State(attributes.lastModifiedTime(), attributes.size()));
            }
        } catch (NoSuchFileException gone) {
            states.remove(file);
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    /** Ends the watch, and returns when the change under way has been dealt with. */
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
