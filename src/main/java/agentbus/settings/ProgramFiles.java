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
import java.util.LinkedHashMap;
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
 * checkout or the unpacked release that {@code agentbus.source.dir} names, otherwise from the jar.
 *
 * <p>The files of the directory are all read at the start. A statement that is first needed an hour later must fit the
 * schema of the start, even if the directory was updated meanwhile. {@link #refresh} reads one file again.
 */
public final class ProgramFiles {
    /** The name on the class path of the folder of the program's routes. */
    public static final String ROUTES = "routes/";

    /** The folders' names on the class path, which are also their paths in a release. */
    private static final List<String> FOLDERS = List.of("console/", ROUTES, "sql/statements/", "templates/");

    /** Where a checkout has the folders; it has those of SQL at its top. */
    private static final String RESOURCES = "src/main/resources";

    private final Optional<Path> source;
    private final Map<String, Path> folders = new LinkedHashMap<>();
    private final Map<String, byte[]> contents = new ConcurrentHashMap<>();
    private final Set<String> keptFromStart = ConcurrentHashMap.newKeySet();
    private final Map<String, Runnable> whenRefreshed = new ConcurrentHashMap<>();

    /**
     * The files of one process.
     *
     * @param settings name the checkout or the release, if there is one
     * @throws StartFailure when the directory is neither, or a file in it cannot be read
     */
    public ProgramFiles(Settings settings) {
        this.source = settings.path("agentbus.source.dir");
        source.ifPresent(root -> {
            Path resources = root.resolve(RESOURCES);
            for (String name : FOLDERS) {
                Path folder =
                        (name.startsWith("sql/") || !Files.isDirectory(resources) ? root : resources).resolve(name);
                if (!Files.isDirectory(folder)) {
                    throw new StartFailure("agentbus.source.dir is " + root + ", and there is no directory " + folder
                            + "; it must be a checkout or a release of agentbus, or empty");
                }
                folders.put(name, folder);
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
        if (read != null || (source.isPresent() && FOLDERS.stream().anyMatch(name::startsWith))) {
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
     * The checkout or the release.
     *
     * @return its directory; empty when the files come from the jar
     */
    public Optional<Path> source() {
        return source;
    }

    /**
     * The folders of the checkout or the release that are read.
     *
     * @return absolute paths; none when the files come from the jar
     */
    public List<Path> folders() {
        return List.copyOf(folders.values());
    }

    /**
     * The folder of the program's routes.
     *
     * @return an absolute path; empty when the files come from the jar
     */
    public Optional<Path> routes() {
        return Optional.ofNullable(folders.get(ROUTES));
    }

    /**
     * Reads a file of the checkout or the release again, or forgets it when it is gone.
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

    /** The class path name of a file in the checkout or the release. */
    private String name(Path file) {
        for (Map.Entry<String, Path> folder : folders.entrySet()) {
            if (file.startsWith(folder.getValue())) {
                return folder.getKey()
                        + folder.getValue()
                                .relativize(file)
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
