package agentbus.settings;

import agentbus.text.TextFile;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.jar.JarFile;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;

/**
 * The program's files that are not compiled: routes, templates, the console and the statements that routes call. They come from the
 * checkout if {@code agentbus.source.dir} names one, otherwise from the jar.
 *
 * <p>A checkout's files are all read at the start. A statement that is first needed an hour later must fit the schema
 * of the start, even if the checkout was updated meanwhile. {@link #refresh} reads one file again.
 */
public final class ProgramFiles {
    /** The folders: their names on the class path, and their paths in a checkout. */
    private static final Map<String, String> FOLDERS = Map.of(
            "routes/", "src/main/resources/routes",
            "templates/", "src/main/resources/templates",
            "console/", "src/main/resources/console",
            "sql/statements/", "sql/statements");

    private final Optional<Path> source;
    private final Map<String, byte[]> contents = new ConcurrentHashMap<>();
    private final Set<String> keptFromStart = ConcurrentHashMap.newKeySet();
    private final Map<String, Runnable> whenRefreshed = new ConcurrentHashMap<>();

    /**
     * The files of one process.
     *
     * @param settings name the checkout, if there is one
     * @throws StartFailure when the directory is no checkout, or a file in it cannot be read
     */
    public ProgramFiles(Settings settings) {
        this.source = settings.path("agentbus.source.dir");
        source.ifPresent(root -> {
            for (Path folder : folders()) {
                if (!Files.isDirectory(folder)) {
                    throw new StartFailure("agentbus.source.dir is " + root + ", and there is no directory " + folder
                            + "; it must be a checkout of agentbus, or empty");
                }
            }
            files().forEach(this::refresh);
        });
    }

    /**
     * Reads a file.
     *
     * @param name its name on the class path, such as {@code sql/statements/recover-jobs/recover-jobs.sql}
     * @return its bytes; empty when there is no such file
     */
    public Optional<byte[]> bytes(String name) {
        byte[] read = contents.get(name);
        if (read != null || (source.isPresent() && FOLDERS.keySet().stream().anyMatch(name::startsWith))) {
            return Optional.ofNullable(read);
        }
        Optional<byte[]> packed = packed(name);
        packed.ifPresent(bytes -> contents.put(name, bytes));
        return packed;
    }

    /**
     * Reads a file of text that must be there.
     *
     * @param name its name on the class path
     * @return its text
     * @throws IllegalStateException when there is no such file
     */
    public String text(String name) {
        return new String(
                bytes(name).orElseThrow(() -> new IllegalStateException(name + " is not on the classpath.")),
                StandardCharsets.UTF_8);
    }

    /**
     * Reads a file of text for a caller that keeps it until the process ends.
     *
     * @param name its name on the class path
     * @return its text
     * @throws IllegalStateException when there is no such file
     */
    public String keptText(String name) {
        keptFromStart.add(name);
        return text(name);
    }

    /**
     * Whether a caller keeps the text that the file had at the start, so that a change needs a new start.
     *
     * @param file a file below one of {@link #folders}
     * @return true if {@link #keptText} has read it
     */
    public boolean isKept(Path file) {
        return keptFromStart.contains(name(file));
    }

    /**
     * The checkout.
     *
     * @return its directory; empty when the files come from the jar
     */
    public Optional<Path> source() {
        return source;
    }

    /**
     * The folders of the checkout that are read.
     *
     * @return absolute paths; none without a checkout
     */
    public List<Path> folders() {
        return source.stream()
                .flatMap(root -> FOLDERS.values().stream().sorted().map(root::resolve))
                .toList();
    }

    /**
     * Reads a file of the checkout again, or forgets it when it is gone.
     *
     * @param file a file below one of {@link #folders}
     */
    public void refresh(Path file) {
        String name = name(file);
        try {
            contents.put(name, TextFile.read(file).getBytes(StandardCharsets.UTF_8));
        } catch (IOException unreadable) {
            if (Files.exists(file)) {
                throw new StartFailure("cannot read " + file + ": " + SecretFile.reason(unreadable), unreadable);
            }
            contents.remove(name);
        }
        whenRefreshed.forEach((folder, task) -> {
            if (name.startsWith(folder)) {
                task.run();
            }
        });
    }

    private List<Path> files() {
        List<Path> files = new ArrayList<>();
        for (Path folder : folders()) {
            try (Stream<Path> found = Files.walk(folder)) {
                found.filter(Files::isRegularFile)
                        .filter(file -> isOfProgram(file.getFileName().toString()))
                        .forEach(files::add);
            } catch (IOException unreadable) {
                throw new StartFailure("cannot read " + folder + ": " + SecretFile.reason(unreadable), unreadable);
            }
        }
        return files;
    }

    /** Whether a file is one of the program, and not one of an editor or the system, such as .DS_Store. */
    private static boolean isOfProgram(String name) {
        return !name.startsWith(".") && !name.endsWith("~");
    }

    /**
     * Registers a task that runs after each {@link #refresh} of a file.
     *
     * @param folder the folder on the class path, such as {@code console/}
     * @param task the task, on the thread that refreshes
     */
    public void whenRefreshed(String folder, Runnable task) {
        whenRefreshed.put(folder, task);
    }

    /**
     * The files of a folder.
     *
     * @param folder the folder on the class path, such as {@code console/}
     * @return the files' names on the class path, sorted
     */
    public List<String> names(String folder) {
        return (source.isPresent() ? contents.keySet().stream() : packedNames())
                .filter(name -> name.startsWith(folder) && !name.endsWith("/"))
                .sorted()
                .toList();
    }

    /** The class path name of a file in the checkout. */
    private String name(Path file) {
        for (Map.Entry<String, String> folder : FOLDERS.entrySet()) {
            Path root = source.orElseThrow().resolve(folder.getValue());
            if (file.startsWith(root)) {
                return folder.getKey()
                        + root.relativize(file)
                                .toString()
                                .replace(file.getFileSystem().getSeparator(), "/");
            }
        }
        throw new IllegalArgumentException(file + " is not in " + folders());
    }

    private static Stream<String> packedNames() {
        try {
            Path place = Path.of(ProgramFiles.class
                    .getProtectionDomain()
                    .getCodeSource()
                    .getLocation()
                    .toURI());
            if (Files.isDirectory(place)) {
                try (Stream<Path> files = Files.walk(place)) {
                    return files
                            .filter(Files::isRegularFile)
                            .map(file -> place.relativize(file).toString().replace('\\', '/'))
                            .toList()
                            .stream();
                }
            }
            try (JarFile jar = new JarFile(place.toFile())) {
                return jar.stream().map(ZipEntry::getName).toList().stream();
            }
        } catch (IOException | URISyntaxException broken) {
            throw new IllegalStateException("the files of the program cannot be listed", broken);
        }
    }

    private static Optional<byte[]> packed(String name) {
        try (InputStream in = ProgramFiles.class.getClassLoader().getResourceAsStream(name)) {
            return in == null ? Optional.empty() : Optional.of(in.readAllBytes());
        } catch (IOException broken) {
            throw new UncheckedIOException(broken);
        }
    }
}
