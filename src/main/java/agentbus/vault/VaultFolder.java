package agentbus.vault;

import agentbus.settings.SecretFile;
import agentbus.settings.StartFailure;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * The folder of a vault. Paths of notes are relative to it, with {@code /} between their parts.
 *
 * <p>No link below the folder is followed, neither in a note's place nor in a folder's, so that nothing outside is read
 * or written. A file gets its name only when it is whole. While the folder is open for writing, no other process writes
 * it: a lock file is held.
 */
final class VaultFolder implements AutoCloseable {
    private static final String DRAFT = ".agentbus-vault-";
    private static final String DRAFT_ENDING = ".tmp";
    /** Chosen: no note of a person is as long; a file that was put in the place of a note could be. */
    private static final long MOST_BYTES = 8L << 20;

    private final Path root;
    private final VaultLock lock;
    private final Set<Path> checked = new HashSet<>();

    private VaultFolder(Path root, VaultLock lock) {
        this.root = root;
        this.lock = lock;
    }

    /** What stands in the place of a note. */
    enum State {
        MISSING,
        FILE,
        LINK,
        FOLDER,
        LARGE
    }

    /**
     * What was found in the place of a note.
     *
     * @param state what it is
     * @param bytes its content; null for everything but a file
     */
    record Found(State state, byte[] bytes) {
        /** The text of the file; bytes that are no UTF-8 are replaced, so they never equal a text of the bus. */
        String text() {
            return new String(bytes, StandardCharsets.UTF_8);
        }
    }

    /**
     * Opens a folder for reading; it is not locked.
     *
     * @param directory the folder
     * @return the folder
     * @throws StartFailure when there is none, or it has no marker
     */
    static VaultFolder read(Path directory) {
        VaultFolder folder = new VaultFolder(real(directory), null);
        folder.requireMarker(directory);
        return folder;
    }

    /**
     * Opens a folder for writing and locks it. A folder that does not exist is made.
     *
     * @param directory the folder
     * @return the folder; the caller closes it
     * @throws StartFailure when it cannot be written, when another process writes it, or when it holds files and no
     *     marker
     */
    static VaultFolder write(Path directory) {
        try {
            Files.createDirectories(directory.toAbsolutePath());
        } catch (IOException e) {
            throw new StartFailure("cannot make the folder " + directory + ": " + SecretFile.reason(e), e);
        }
        Path root = real(directory);
        requireOurs(root, directory);
        VaultLock lock = VaultLock.take(root, directory);
        VaultFolder folder = new VaultFolder(root, lock);
        try {
            requireOurs(root, directory);
            return folder;
        } catch (RuntimeException failed) {
            folder.close();
            throw failed;
        }
    }

    private static Path real(Path directory) {
        try {
            Path root = directory.toRealPath();
            if (!Files.isDirectory(root)) {
                throw new StartFailure(directory + " is a file; a vault is a folder");
            }
            return root;
        } catch (IOException e) {
            throw new StartFailure("cannot open the folder " + directory + ": " + SecretFile.reason(e), e);
        }
    }

    /** Hidden files are those of editors and of version control, so a folder with nothing else is empty. */
    private static void requireOurs(Path root, Path directory) {
        if (Files.exists(root.resolve(Marker.FILE), LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        try (Stream<Path> found = Files.list(root)) {
            List<String> others = found.map(file -> file.getFileName().toString())
                    .filter(name -> !name.startsWith("."))
                    .sorted()
                    .limit(3)
                    .toList();
            if (!others.isEmpty()) {
                throw new StartFailure(directory + " holds other files (" + String.join(", ", others) + ") and no "
                        + Marker.FILE + ", so it is no vault of a bus; name an empty or a new folder");
            }
        } catch (IOException e) {
            throw new StartFailure("cannot list the folder " + directory + ": " + SecretFile.reason(e), e);
        }
    }

    /** The folder itself, with no link in its path. */
    Path directory() {
        return root;
    }

    /**
     * The marker.
     *
     * @return what it says; empty when there is none
     * @throws StartFailure when it cannot be read, or a link is in its place
     */
    Optional<Marker> marker() {
        Found found = read(Marker.FILE);
        if (found.state() == State.MISSING) {
            return Optional.empty();
        }
        if (found.state() != State.FILE) {
            throw new StartFailure(root + "/" + Marker.FILE + " is no file, so the folder is no vault of a bus");
        }
        return Optional.of(Marker.read(found.text(), root));
    }

    /**
     * The marker of a folder that has to be a vault.
     *
     * @param directory the folder, as the caller has named it
     * @return what it says
     * @throws StartFailure when there is none, and as {@link #marker}
     */
    Marker requireMarker(Path directory) {
        return marker().orElseThrow(() -> new StartFailure(directory + " is no vault: it has no file " + Marker.FILE
                + "; export-vault writes one into an empty folder"));
    }

    /**
     * Reads what stands in the place of a note.
     *
     * @param path the note's path
     * @return what was found
     * @throws StartFailure when it cannot be read, or a folder of its path is a link
     */
    Found read(String path) {
        Path file = file(path, false);
        if (file == null) {
            return new Found(State.MISSING, null);
        }
        try {
            BasicFileAttributes attributes =
                    Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
            if (attributes.isSymbolicLink()) {
                return new Found(State.LINK, null);
            }
            if (!attributes.isRegularFile()) {
                return new Found(State.FOLDER, null);
            }
            if (attributes.size() > MOST_BYTES) {
                return new Found(State.LARGE, null);
            }
            return new Found(State.FILE, bytes(file));
        } catch (NoSuchFileException missing) {
            return new Found(State.MISSING, null);
        } catch (IOException e) {
            throw new StartFailure("cannot read " + file + ": " + SecretFile.reason(e), e);
        }
    }

    /**
     * Reads the note at a path.
     *
     * @param path the note's path
     * @return its two parts; null when there is no file, or when a folder of its path is a link, which {@link #read}
     *     refuses in words
     */
    NoteText note(String path) {
        for (int slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
            if (Files.isSymbolicLink(root.resolve(path.substring(0, slash)))) {
                return null;
            }
        }
        Found found = read(path);
        return found.state() == State.FILE ? NoteText.read(found.text()) : null;
    }

    private static byte[] bytes(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file, LinkOption.NOFOLLOW_LINKS)) {
            return in.readNBytes((int) MOST_BYTES);
        }
    }

    /** Writes a note as {@link #write(String, String)}; only one with words of people waits for the disk. */
    void write(String path, NoteText note) {
        write(path, note.text(), !note.notes().isBlank());
    }

    /**
     * Writes a file as a whole: it has its old content or the new one at every moment, also after a crash of the machine.
     *
     * @param path its path; missing folders are made
     * @param text its content
     * @throws StartFailure when it cannot be written, with the reason, such as a full disk; the old content stays
     */
    void write(String path, String text) {
        write(path, text, true);
    }

    private void write(String path, String text, boolean force) {
        Path file = file(path, true);
        Path draft = file.resolveSibling(DRAFT + UUID.randomUUID() + DRAFT_ENDING);
        try {
            try {
                put(draft, text.getBytes(StandardCharsets.UTF_8), force);
                try {
                    Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
                } catch (AtomicMoveNotSupportedException unusual) {
                    Files.move(draft, file, StandardCopyOption.REPLACE_EXISTING);
                }
            } finally {
                Files.deleteIfExists(draft);
            }
        } catch (IOException e) {
            throw new StartFailure(
                    "cannot write " + file + ": " + SecretFile.reason(e)
                            + "; what stood there before stays, and the next export goes on",
                    e);
        }
    }

    private static void put(Path draft, byte[] content, boolean force) throws IOException {
        try (FileChannel channel =
                FileChannel.open(draft, Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE))) {
            ByteBuffer bytes = ByteBuffer.wrap(content);
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            if (force) {
                channel.force(true);
            }
        }
    }

    /**
     * Removes a file of the bus, such as a conflict that is over.
     *
     * @param path its path; nothing happens when there is none
     */
    void remove(String path) {
        Path file = file(path, false);
        try {
            if (file != null) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw new StartFailure("cannot remove " + file + ": " + SecretFile.reason(e), e);
        }
    }

    /**
     * Lists the files and links of the vault. Hidden ones belong to editors, to version control and to the bus, and are
     * left out; those below a link are not looked at.
     *
     * @return their paths, sorted
     */
    Set<String> files() {
        Set<String> files = new TreeSet<>();
        walk((path, draft) -> {
            if (!draft) {
                files.add(path);
            }
        });
        return files;
    }

    /** Removes drafts that a crash has left. */
    void removeDrafts() {
        List<String> drafts = new ArrayList<>();
        walk((path, draft) -> {
            if (draft) {
                drafts.add(path);
            }
        });
        drafts.forEach(this::remove);
    }

    private interface Visit {
        void file(String path, boolean draft);
    }

    private void walk(Visit visit) {
        try {
            Files.walkFileTree(root, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
                    return !folder.equals(root) && hidden(folder)
                            ? FileVisitResult.SKIP_SUBTREE
                            : FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                    String name = file.getFileName().toString();
                    boolean draft = name.startsWith(DRAFT) && name.endsWith(DRAFT_ENDING);
                    if (draft || !hidden(file)) {
                        visit.file(root.relativize(file).toString().replace('\\', '/'), draft);
                    }
                    return FileVisitResult.CONTINUE;
                }
            });
        } catch (IOException e) {
            throw new StartFailure("cannot list the vault " + root + ": " + SecretFile.reason(e), e);
        }
    }

    private static boolean hidden(Path file) {
        return file.getFileName().toString().startsWith(".");
    }

    /**
     * The file of a path, when each folder on the way is a folder and no link.
     *
     * @return null when a folder is missing and is not to be made
     */
    private Path file(String path, boolean make) {
        Path folder = root;
        String[] parts = path.split("/", -1);
        for (int i = 0; i < parts.length; i++) {
            if (parts[i].isEmpty() || parts[i].equals(".") || parts[i].equals("..") || parts[i].indexOf('\\') >= 0) {
                throw new StartFailure("the path " + path + " is none of a note");
            }
            if (i < parts.length - 1) {
                folder = folder.resolve(parts[i]);
                if (!checked.contains(folder) && !check(folder, make)) {
                    return null;
                }
            }
        }
        return folder.resolve(parts[parts.length - 1]);
    }

    private boolean check(Path folder, boolean make) {
        try {
            BasicFileAttributes attributes =
                    Files.readAttributes(folder, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
            if (attributes.isSymbolicLink() || !attributes.isDirectory()) {
                throw new StartFailure(folder + " is " + (attributes.isSymbolicLink() ? "a link" : "a file")
                        + " and must be a folder; no link in a vault is followed. Remove it, and export again");
            }
            checked.add(folder);
            return true;
        } catch (NoSuchFileException missing) {
            return make && make(folder);
        } catch (IOException e) {
            throw new StartFailure("cannot open the folder " + folder + ": " + SecretFile.reason(e), e);
        }
    }

    private boolean make(Path folder) {
        try {
            Files.createDirectory(folder);
            checked.add(folder);
            return true;
        } catch (FileAlreadyExistsException madeMeanwhile) {
            return check(folder, false);
        } catch (IOException e) {
            throw new StartFailure("cannot make the folder " + folder + ": " + SecretFile.reason(e), e);
        }
    }

    /** Gives the lock back. */
    @Override
    public void close() {
        if (lock != null) {
            lock.close();
        }
    }
}
