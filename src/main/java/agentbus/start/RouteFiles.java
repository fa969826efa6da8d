package agentbus.start;

import agentbus.settings.StartFailure;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.camel.CamelContext;
import org.apache.camel.spi.PackageScanResourceResolver;
import org.apache.camel.spi.Resource;
import org.apache.camel.support.PluginHelper;

/** Which route files a phase turns on. */
final class RouteFiles {
    /** The folders of the phases, in order; see docs/roadmap.md for what each adds and its gate. */
    private static final List<String> PHASES =
            List.of("phase-1-spine", "phase-2-fleet", "phase-3-proactive", "phase-4-memory", "phase-5-idle");

    private RouteFiles() {}

    /**
     * The patterns of the phases up to one.
     *
     * @param phase 1 to 5
     * @return patterns as Camel takes them
     */
    static List<String> upTo(int phase) {
        List<String> patterns = new ArrayList<>();
        for (String folder : PHASES.subList(0, phase)) {
            if (RouteFiles.class.getClassLoader().getResource("routes/" + folder) != null) {
                patterns.add("classpath:routes/" + folder + "/**/*.camel.yaml");
            }
        }
        return patterns;
    }

    /**
     * Looks that each file is a list, as YAML routes are: Camel passes over one that is not, without a word.
     *
     * @param camel finds the files
     * @param patterns which
     * @throws StartFailure naming the file
     */
    static void requireLists(CamelContext camel, List<String> patterns) {
        forEachFile(camel, patterns, file -> {
            if (!isList(file)) {
                throw new StartFailure(place(file)
                        + ": a route file is a list, and this is none; begin with - route:, - beans: or the like");
            }
        });
    }

    /**
     * Looks that no two routes or orders have one name: of two orders, or of an order and a route, Camel keeps the later one
     * without a word.
     *
     * @param camel finds the files
     * @param patterns which
     * @throws StartFailure naming the name and its files
     */
    static void requireOwnNames(CamelContext camel, List<String> patterns) {
        Map<String, String> places = new HashMap<>();
        forEachFile(camel, patterns, file -> {
            for (JsonNode element : elements(file)) {
                requireOwnName(element, place(file), places);
            }
        });
    }

    /** What is asked of each file. */
    private interface Look {
        void at(Resource file) throws Exception;
    }

    private static void forEachFile(CamelContext camel, List<String> patterns, Look look) {
        PackageScanResourceResolver files = PluginHelper.getPackageScanResourceResolver(camel);
        for (String pattern : patterns) {
            try {
                for (Resource file : files.findResources(pattern)) {
                    look.at(file);
                }
            } catch (StartFailure failure) {
                throw failure;
            } catch (Exception unreadable) {
                throw new StartFailure(pattern + " cannot be read: " + unreadable.getMessage(), unreadable);
            }
        }
    }

    private static String place(Resource file) {
        String location = file.getLocation();
        return location.substring(Math.max(0, location.lastIndexOf("routes/")));
    }

    private static Iterable<JsonNode> elements(Resource file) {
        try (InputStream in = file.getInputStream()) {
            JsonNode root = Json.YAML.readTree(in);
            return root == null ? List.of() : root;
        } catch (IOException noYaml) {
            // Camel says in which line, and has said it before this is asked for a file that is loaded.
            return List.of();
        }
    }

    private static void requireOwnName(JsonNode element, String place, Map<String, String> places) {
        JsonNode order = element.path("templatedRoute");
        String name =
                element.path("route").path("id").asText(order.path("routeId").asText(""));
        if (order.isObject() && name.isEmpty()) {
            throw new StartFailure(place + ": a templatedRoute has no routeId; it is the order's name");
        }
        String other = name.isEmpty() ? null : places.putIfAbsent(name, place);
        if (other != null) {
            throw new StartFailure(
                    other + " and " + place + ": two routes have the id " + name + "; each needs one of its own");
        }
    }

    private static boolean isList(Resource file) throws Exception {
        try (BufferedReader lines = new BufferedReader(file.getReader())) {
            return lines.lines()
                    .filter(line -> !line.isBlank() && !line.startsWith("#") && !line.startsWith("---"))
                    .findFirst()
                    .map(line -> line.startsWith("-") || line.startsWith("["))
                    .orElse(false);
        }
    }

    /** How many phases there are. */
    static int phases() {
        return PHASES.size();
    }
}
