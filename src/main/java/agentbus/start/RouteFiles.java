package agentbus.start;

import java.io.BufferedReader;
import java.util.ArrayList;
import java.util.List;
import org.apache.camel.CamelContext;
import org.apache.camel.spi.PackageScanResourceResolver;
import org.apache.camel.spi.Resource;
import org.apache.camel.support.PluginHelper;

/** Which route files a phase turns on. */
final class RouteFiles {
    /** The folders of the phases, in order; see docs/roadmap.md for what each adds and its gate. */
    private static final List<String> PHASES =
            List.of("phase-1-spine", "phase-2-fleet", "phase-3-proactive", "phase-4-memory", "phase-5-idle");

    /** In a phase's folder: files of standing orders, and nothing else. */
    static final String ORDERS = "*standing-orders.camel.yaml";

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
                patterns.add("classpath:routes/" + folder + "/*.camel.yaml");
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
        PackageScanResourceResolver files = PluginHelper.getPackageScanResourceResolver(camel);
        for (String pattern : patterns) {
            try {
                for (Resource file : files.findResources(pattern)) {
                    if (!isList(file)) {
                        String location = file.getLocation();
                        throw new StartFailure(
                                location.substring(Math.max(0, location.lastIndexOf("routes/")))
                                        + ": a route file is a list, and this is none; begin with - route:, - beans: or the like");
                    }
                }
            } catch (StartFailure failure) {
                throw failure;
            } catch (Exception unreadable) {
                throw new StartFailure(pattern + " cannot be read: " + unreadable.getMessage(), unreadable);
            }
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
