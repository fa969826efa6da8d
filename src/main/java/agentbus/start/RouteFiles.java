package agentbus.start;

import agentbus.settings.ProgramFiles;
import agentbus.settings.SecretFile;
import agentbus.settings.Settings;
import agentbus.settings.StartFailure;
import agentbus.text.Json;
import agentbus.text.TextFile;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.net.JarURLConnection;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.camel.CamelContext;
import org.apache.camel.spi.Resource;
import org.apache.camel.support.PluginHelper;

/** Finds and checks the route files of one bus: those of its phases, and those of the installation. */
final class RouteFiles {
    /** How a route file's name ends. */
    static final String SUFFIX = ".camel.yaml";

    /** The folders of the phases, in order; see docs/roadmap.md for what each adds and its gate. */
    private static final List<String> PHASES =
            List.of("phase-1-spine", "phase-2-fleet", "phase-3-proactive", "phase-4-memory", "phase-5-idle");

    /** The number of the highest phase. */
    static final int HIGHEST_PHASE = PHASES.size();

    private static final String OWN = "agentbus.routes.dir";
    /** The default of {@link #OWN}. This directory need not exist. */
    private static final String USUAL_OWN = "routes";

    private final List<String> patterns = new ArrayList<>();
    private final List<Path> directories = new ArrayList<>();
    private final List<Path> roots = new ArrayList<>();
    private final Path own;

    /** The files while a start checks them, so that it reads and parses each of them once; otherwise null. */
    private List<RouteFile> kept;

    /**
     * One file.
     *
     * @param resource where Camel finds it
     * @param tree its YAML; null when the text is not YAML, because Camel reports that with the line
     */
    private record RouteFile(Resource resource, JsonNode tree) {
        private Iterable<JsonNode> elements() {
            return tree == null ? List.of() : tree;
        }
    }

    /**
     * The files that the settings ask for.
     *
     * @param settings the phase, and the directory of the installation's own route files
     * @param program holds the files of the phases
     * @param more further file patterns in Camel's syntax
     * @throws StartFailure when the settings name a directory that is not there
     */
    RouteFiles(Settings settings, ProgramFiles program, List<String> more) {
        roots.add(settings.home());
        program.source().ifPresent(roots::add);
        for (String folder : PHASES.subList(0, settings.integer("agentbus.phase"))) {
            if (program.routes().isPresent()) {
                addDirectory(program.routes().get().resolve(folder));
            } else {
                addPacked(ProgramFiles.ROUTES + folder);
            }
        }
        this.own = settings.path(OWN).map(RouteFiles::target).orElse(null);
        if (own != null) {
            requireOther(program);
            addOwn(settings);
        }
        patterns.addAll(more);
    }

    /** Camel's search does not enter a directory that is a link, and finds no files without a word. */
    private static Path target(Path directory) {
        try {
            return Files.isSymbolicLink(directory) && Files.exists(directory) ? directory.toRealPath() : directory;
        } catch (IOException unreadable) {
            throw new StartFailure("cannot read " + directory + ": " + unreadable.getMessage(), unreadable);
        }
    }

    /** Refuses the program's own routes as those of the installation, as when the home directory is that of a release. */
    private void requireOther(ProgramFiles program) {
        if (program.routes().filter(own::equals).isPresent()) {
            throw new StartFailure(
                    OWN + " is " + own + ", which holds the routes of agentbus itself and is replaced by the"
                            + " next release; set it, or AGENTBUS_HOME, to a directory of yours");
        }
    }

    private void addOwn(Settings settings) {
        if (Files.isDirectory(own)) {
            patterns.add(pattern(own));
        } else if (!settings.text(OWN).equals(USUAL_OWN)) {
            throw new StartFailure(OWN + " is " + settings.text(OWN) + ", and there is no directory " + own
                    + "; make it, or name the one with your route files");
        }
        // Added even if missing, so that a reload finds files after the directory is created.
        directories.add(own);
    }

    private void addDirectory(Path directory) {
        if (Files.isDirectory(directory)) {
            patterns.add(pattern(directory));
            directories.add(directory);
        }
    }

    /**
     * Adds each file of a folder of the class path by its name. Camel 4.17's own search loses the names of the folders
     * between a pattern's beginning and a file when it searches a jar.
     */
    private void addPacked(String folder) {
        URL found = RouteFiles.class.getClassLoader().getResource(folder);
        if (found == null) {
            return;
        }
        try {
            if (found.openConnection() instanceof JarURLConnection packed) {
                Path jar = Path.of(packed.getJarFileURL().toURI());
                try (FileSystem files = FileSystems.newFileSystem(jar, (ClassLoader) null)) {
                    addPacked(folder, files.getPath(folder));
                }
            } else {
                addPacked(folder, Path.of(found.toURI()));
            }
        } catch (URISyntaxException | IOException unreadable) {
            throw new StartFailure("cannot read the routes in " + found + ": " + unreadable.getMessage(), unreadable);
        }
    }

    private void addPacked(String folder, Path root) throws IOException {
        try (Stream<Path> files = Files.walk(root)) {
            files.map(file -> root.relativize(file)
                            .toString()
                            .replace(root.getFileSystem().getSeparator(), "/"))
                    .filter(name -> name.endsWith(SUFFIX))
                    .sorted()
                    .forEach(name -> patterns.add("classpath:" + folder + "/" + name));
        }
    }

    private static String pattern(Path directory) {
        if (directory.toString().contains(",")) {
            throw new StartFailure("the path " + directory
                    + " has a comma, at which Camel ends the name of a route directory; move the directory");
        }
        return "file:" + directory + "/**/*" + SUFFIX;
    }

    /**
     * The patterns by which Camel finds the files.
     *
     * @return file patterns in Camel's syntax
     */
    List<String> patterns() {
        return List.copyOf(patterns);
    }

    /**
     * The directories of the files, without those in a jar.
     *
     * @return absolute paths; the directory of the installation's own files may not exist
     */
    List<Path> directories() {
        return List.copyOf(directories);
    }

    /**
     * The directory of the installation's own route files.
     *
     * @return an absolute path, which may not exist; empty when the setting is empty
     */
    Optional<Path> own() {
        return Optional.ofNullable(own);
    }

    /**
     * Requires every file to be a YAML list, because Camel silently ignores any other. This is the last check of a start:
     * afterwards each call reads the files again.
     *
     * @param camel finds the files
     * @throws StartFailure naming the file
     */
    void requireLists(CamelContext camel) {
        files(camel).forEach(this::requireList);
        kept = null;
    }

    /**
     * Requires a file to be a YAML list without an onException that would have no effect.
     *
     * @param file the file
     * @throws StartFailure naming the file
     */
    void requireList(Resource file) {
        requireList(read(file));
    }

    private void requireList(RouteFile file) {
        if (file.tree() != null && !file.tree().isArray()) {
            throw new StartFailure(place(file)
                    + ": a route file is a list, and this is none; begin with - route:, - beans: or the like");
        }
        requireEffectiveOnException(file);
    }

    /**
     * Refuses a file with an onException and no error handler. The default error handler passes each failure to the
     * caller, and Camel then ignores the onException.
     */
    private void requireEffectiveOnException(RouteFile file) {
        Set<String> elements = new HashSet<>();
        file.elements().forEach(element -> element.fieldNames().forEachRemaining(elements::add));
        if (elements.contains("onException") && !elements.contains("errorHandler")) {
            throw new StartFailure(
                    place(file)
                            + ": an onException has no effect on a file's routes, because failures go to the caller by default;"
                            + " put it into a routeConfiguration with an id, and name that id in the route's routeConfigurationId");
        }
    }

    /**
     * Requires every file to be text in UTF-8. This is the first check of a start: it keeps what it reads for the later
     * ones, until {@link #requireLists}.
     *
     * @param camel finds the files
     * @throws StartFailure naming the file and the line
     */
    void requireText(CamelContext camel) {
        kept = files(camel);
    }

    /**
     * Requires the names of routes and orders to be unique. If two orders, or an order and a route, share a name, Camel
     * silently keeps only the later one.
     *
     * @param camel finds the files
     * @throws StartFailure naming the name and its files
     */
    void requireOwnNames(CamelContext camel) {
        Map<String, String> places = new HashMap<>();
        for (RouteFile file : files(camel)) {
            for (JsonNode element : file.elements()) {
                requireOwnName(element, place(file), places);
            }
        }
    }

    /**
     * Finds the files.
     *
     * @param camel finds them
     * @return every file that a pattern matches
     * @throws StartFailure when a directory cannot be read
     */
    List<Resource> find(CamelContext camel) {
        List<Resource> found = new ArrayList<>();
        for (String pattern : patterns) {
            try {
                found.addAll(PluginHelper.getPackageScanResourceResolver(camel).findResources(pattern));
            } catch (Exception unreadable) {
                throw new StartFailure(pattern + " cannot be read: " + unreadable.getMessage(), unreadable);
            }
        }
        return found;
    }

    /** The files with their content: those of the start, or those of now. */
    private List<RouteFile> files(CamelContext camel) {
        return kept != null ? kept : find(camel).stream().map(this::read).toList();
    }

    private RouteFile read(Resource file) {
        return new RouteFile(file, tree(text(file)));
    }

    private String place(RouteFile file) {
        return place(file.resource().getLocation());
    }

    /**
     * The path of a file, shortened for messages.
     *
     * @param location the file's location, as Camel gives it
     * @return the path relative to the home directory or the checkout; for a file of the program, a path that begins
     *     with {@code routes/}; otherwise the whole path
     */
    String place(String location) {
        int built = location.lastIndexOf("/classes/routes/");
        if (built >= 0) {
            return location.substring(built + "/classes/".length());
        }
        Optional<Path> found = path(location);
        if (found.isEmpty()) {
            return location.replaceFirst("^.*!/|^classpath:", "");
        }
        Path path = found.get();
        return roots.stream()
                .filter(path::startsWith)
                .findFirst()
                .map(root -> root.relativize(path))
                .orElse(path)
                .toString();
    }

    /**
     * The file behind a location.
     *
     * @param location the file's location, as Camel gives it
     * @return an absolute path; empty for a file in a jar
     */
    static Optional<Path> path(String location) {
        return location.startsWith("classpath:") || location.contains("!/")
                ? Optional.empty()
                : Optional.of(Path.of(location.replaceFirst("^file:(//)?", ""))
                        .toAbsolutePath()
                        .normalize());
    }

    /**
     * The elements of a route file.
     *
     * @param text the file's content
     * @return each element; none when the text is not YAML, because Camel reports that with the line
     */
    static Iterable<JsonNode> elements(String text) {
        JsonNode tree = tree(text);
        return tree == null ? List.of() : tree;
    }

    /** The YAML of a text; null when it is none. */
    private static JsonNode tree(String text) {
        try {
            return Json.yaml().readTree(text);
        } catch (JsonProcessingException noYaml) {
            return null;
        }
    }

    /**
     * The names of a file's routes and standing orders.
     *
     * @param text the file's content
     * @return each name; a route without an id has none
     */
    static Set<String> ids(String text) {
        return ids(elements(text));
    }

    private static Set<String> ids(Iterable<JsonNode> elements) {
        Set<String> ids = new LinkedHashSet<>();
        for (JsonNode element : elements) {
            String id = id(element);
            if (!id.isEmpty()) {
                ids.add(id);
            }
        }
        return ids;
    }

    /**
     * The phase of each route and standing order in the folder of a phase.
     *
     * @param camel finds the files
     * @return the number of the phase, by the name of the route or order; the installation's own files have none
     */
    Map<String, Integer> phases(CamelContext camel) {
        Map<String, Integer> phases = new HashMap<>();
        for (RouteFile file : files(camel)) {
            for (int phase = 1; phase <= PHASES.size(); phase++) {
                if (file.resource().getLocation().contains("routes/" + PHASES.get(phase - 1) + "/")) {
                    for (String id : ids(file.elements())) {
                        phases.put(id, phase);
                    }
                }
            }
        }
        return phases;
    }

    private static String id(JsonNode element) {
        return element.path("route")
                .path("id")
                .asText(element.path("templatedRoute").path("routeId").asText(""));
    }

    /**
     * The content of a file.
     *
     * @param file the file
     * @return its text, without a byte order mark
     */
    String text(Resource file) {
        try (InputStream in = file.getInputStream()) {
            return TextFile.decode(in.readAllBytes());
        } catch (IOException unreadable) {
            throw new StartFailure(
                    place(file.getLocation()) + " cannot be read: " + SecretFile.reason(unreadable), unreadable);
        }
    }

    private static void requireOwnName(JsonNode element, String place, Map<String, String> places) {
        String name = id(element);
        if (element.path("templatedRoute").isObject() && name.isEmpty()) {
            throw new StartFailure(place + ": a templatedRoute has no routeId; it is the order's name");
        }
        String other = name.isEmpty() ? null : places.putIfAbsent(name, place);
        if (other != null) {
            throw new StartFailure(
                    other + " and " + place + ": two routes have the id " + name + "; each needs one of its own");
        }
    }
}
