package agentbus.start;

import agentbus.orders.OrderSync;
import agentbus.settings.ProgramFiles;
import agentbus.settings.SecretFile;
import agentbus.settings.StartFailure;
import agentbus.text.TextFile;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.apache.camel.CamelContext;
import org.apache.camel.RoutesBuilder;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.model.Model;
import org.apache.camel.model.RouteDefinition;
import org.apache.camel.model.TemplatedRouteDefinition;
import org.apache.camel.spi.Resource;
import org.apache.camel.support.PluginHelper;
import org.apache.camel.support.ResourceHelper;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reloads changed route files, templates and statements in a running bus ({@code agentbus run --reload}).
 *
 * <p>The routes of a changed file replace the file's old routes, which finish their exchanges first. If the new routes
 * cannot run, the old ones keep running, and the log names file, line and mistake. Error handling and route templates
 * are read only at the start, because the running routes were built from them.
 */
final class RouteReload implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RouteReload.class);

    /** The elements of a route file that can be replaced while the bus runs. */
    private static final Set<String> REPLACEABLE = Set.of("route", "from", "templatedRoute", "beans");

    private final CamelContext camel;
    private final Model model;
    private final RouteFiles routes;
    private final ProgramFiles program;
    private final Optional<OrderSync> orders;
    /** The path of each route file, with the content whose routes are running. */
    private final Map<Path, String> running = new TreeMap<>();

    private final List<Path> directories;
    private final FileWatch watch;

    /**
     * Starts to watch the files.
     *
     * @param camel the running context
     * @param routes its route files
     * @param program the program's other files
     * @param orders writes changed standing orders to the database; empty if standing orders are off
     */
    RouteReload(CamelContext camel, RouteFiles routes, ProgramFiles program, Optional<OrderSync> orders) {
        this.camel = camel;
        this.model = camel.getCamelContextExtension().getContextPlugin(Model.class);
        this.routes = routes;
        this.program = program;
        this.orders = orders;
        for (Resource file : routes.find(camel)) {
            RouteFiles.path(file.getLocation()).ifPresent(path -> running.put(path, read(path)));
        }
        // The program's route folder contains the folders of the phases.
        List<Path> watched = new ArrayList<>(program.folders());
        routes.own().ifPresent(watched::add);
        this.directories = List.copyOf(watched);
        this.watch = new FileWatch(this.directories, this::take);
    }

    /**
     * The directories that are watched.
     *
     * @return absolute paths; the directory of the installation's own files may not exist
     */
    List<Path> directories() {
        return directories;
    }

    /** Reloads one changed, new or removed file. */
    private void take(Path file) {
        try {
            if (program.folders().stream().anyMatch(file::startsWith)) {
                if (program.isKept(file)) {
                    throw atStartOnly(file, "this statement");
                }
                program.refresh(file);
            }
            if (file.toString().endsWith(RouteFiles.SUFFIX)) {
                if (routes.directories().stream().anyMatch(file::startsWith)) {
                    takeRoutes(file);
                }
            } else {
                List<Path> users = users(file);
                LOG.info(
                        "{} reloaded, used by {}",
                        routes.place(file.toString()),
                        users.isEmpty() ? "no route" : places(users));
                users.forEach(this::takeRoutes);
            }
        } catch (StartFailure mistake) {
            LOG.error("{}; the routes of before run on", mistake.getMessage());
        } catch (RuntimeException unforeseen) {
            // The watch goes on: the next change may be the repair.
            LOG.error("{} was not taken", routes.place(file.toString()), unforeseen);
        }
    }

    /** The route files that use a file: they contain its name, or their statements lie in its directory. */
    private List<Path> users(Path file) {
        String name = file.getFileName().toString();
        String owner = file.getParent().getFileName() + RouteFiles.SUFFIX;
        return running.entrySet().stream()
                .filter(route ->
                        route.getKey().endsWith(owner) || route.getValue().contains(name))
                .map(Map.Entry::getKey)
                .toList();
    }

    private List<String> places(Collection<Path> files) {
        return files.stream().map(file -> routes.place(file.toString())).toList();
    }

    private void takeRoutes(Path file) {
        String before = running.get(file);
        if (!Files.exists(file)) {
            if (before != null) {
                requireReplaceable(file, before);
                remove(file, before);
                running.remove(file);
                syncOrders();
                LOG.info("{} is removed, and its routes are stopped", routes.place(file.toString()));
            }
            return;
        }
        String text = read(file);
        Loaded loaded = load(file, text);
        try {
            replace(file, before, loaded);
            syncOrders();
        } catch (Exception failed) {
            StartFailure told = RouteFailure.explain(failed, camel, routes);
            restore(file, before, text);
            throw told;
        }
        running.put(file, text);
        LOG.info("{} reloaded: {}", routes.place(file.toString()), idsOf(file, text));
    }

    /** The routes of a file, read and checked but not yet added to the context. */
    private record Loaded(List<RouteBuilder> builders, List<TemplatedRouteDefinition> fromTemplates) {}

    private Loaded load(Path file, String text) {
        Resource resource = ResourceHelper.fromString("file:" + file, text);
        routes.requireList(resource);
        List<RouteBuilder> builders = new ArrayList<>();
        List<TemplatedRouteDefinition> fromTemplates = new ArrayList<>();
        try {
            for (RoutesBuilder read : PluginHelper.getRoutesLoader(camel).findRoutesBuilders(List.of(resource))) {
                RouteBuilder builder = (RouteBuilder) read;
                builder.configureRoutes(camel);
                builders.add(builder);
                fromTemplates.addAll(builder.getTemplatedRouteCollection().getTemplatedRoutes());
            }
            requireReplaceable(file, text);
            requireFreeIds(file, text);
            if (orders.isPresent()) {
                orders.get().check(camel, fromTemplates);
            }
        } catch (StartFailure mistake) {
            throw mistake;
        } catch (Exception mistake) {
            throw RouteFailure.explain(mistake, camel, routes);
        }
        return new Loaded(builders, fromTemplates);
    }

    private void requireReplaceable(Path file, String text) {
        for (JsonNode element : RouteFiles.elements(text)) {
            element.fieldNames().forEachRemaining(name -> {
                if (!REPLACEABLE.contains(name)) {
                    throw atStartOnly(file, name);
                }
            });
        }
    }

    private StartFailure atStartOnly(Path file, String what) {
        return new StartFailure(routes.place(file.toString()) + ": " + what
                + " is taken at a start only; stop the bus and start it again");
    }

    private void requireFreeIds(Path file, String text) {
        for (String id : RouteFiles.ids(text)) {
            for (Map.Entry<Path, String> other : running.entrySet()) {
                if (!other.getKey().equals(file)
                        && RouteFiles.ids(other.getValue()).contains(id)) {
                    throw new StartFailure(routes.place(other.getKey().toString()) + " and "
                            + routes.place(file.toString()) + ": two routes have the id " + id
                            + "; each needs one of its own");
                }
            }
        }
    }

    private void replace(Path file, String before, Loaded loaded) throws Exception {
        remove(file, before);
        for (RouteBuilder builder : loaded.builders()) {
            builder.updateRoutesToCamelContext(camel);
        }
        model.addRouteFromTemplatedRoutes(loaded.fromTemplates());
    }

    private void restore(Path file, String before, String failed) {
        try {
            remove(file, failed);
            if (before != null) {
                replace(file, before, load(file, before));
                syncOrders();
            }
        } catch (Exception twice) {
            throw new StartFailure(
                    routes.place(file.toString())
                            + ": the routes of before do not run either; stop the bus and start it again: "
                            + twice.getMessage(),
                    twice);
        }
    }

    /** Stops the routes of a file and removes them from the context. */
    private void remove(Path file, String text) {
        for (String id : idsOf(file, text)) {
            try {
                if (camel.getRoute(id) != null) {
                    camel.getRouteController().stopRoute(id);
                    camel.removeRoute(id);
                }
                RouteDefinition definition = model.getRouteDefinition(id);
                if (definition != null) {
                    model.removeRouteDefinition(definition);
                }
            } catch (Exception failed) {
                throw RouteFailure.explain(failed, camel, routes);
            }
        }
    }

    /** The ids of a file's routes: those in the file, and those that Camel made for routes without an id. */
    private Set<String> idsOf(Path file, String text) {
        Set<String> ids = new LinkedHashSet<>(text == null ? List.of() : RouteFiles.ids(text));
        model.getRouteDefinitions().stream()
                .filter(route -> route.getResource() != null)
                .filter(route ->
                        RouteFiles.path(route.getResource().getLocation()).equals(Optional.of(file)))
                .map(RouteDefinition::getRouteId)
                .forEach(ids::add);
        return ids;
    }

    private void syncOrders() {
        orders.ifPresent(sync -> sync.sync(camel));
    }

    private static String read(Path file) {
        try {
            return TextFile.read(file);
        } catch (IOException unreadable) {
            throw new StartFailure("cannot read " + file + ": " + SecretFile.reason(unreadable), unreadable);
        }
    }

    /** Ends the watch, and waits until the change in progress has been processed. */
    @Override
    public void close() {
        watch.close();
    }
}
