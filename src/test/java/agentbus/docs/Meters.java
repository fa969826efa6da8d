package agentbus.docs;

import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** The metrics that the sources register, by the names in them. */
final class Meters {
    private static final Pattern REGISTERED = Pattern.compile(
            "(\\.counter|\\.timer|\\.gauge|(?:Counter|Timer|Gauge|MultiGauge|DistributionSummary)\\s*\\.builder)\\(\\s*\"(agentbus\\.[a-z.]+)\"");

    /** A route names its counter as Prometheus shows it. */
    private static final Pattern COUNTED_BY_A_ROUTE = Pattern.compile("micrometer:counter:(agentbus_[a-z_]+)");

    private Meters() {}

    /** The names as Micrometer has them: {@code agentbus.hook.calls}. */
    static Set<String> names() {
        return found().keySet();
    }

    /** The names as Prometheus shows them: a counter ends in {@code _total}, a timer in {@code _seconds}. */
    static Set<String> prometheusNames() {
        Set<String> names = found().entrySet().stream()
                .map(meter -> meter.getKey().replace('.', '_') + meter.getValue())
                .collect(Collectors.toCollection(TreeSet::new));
        COUNTED_BY_A_ROUTE
                .matcher(SourceFiles.text("src/main/resources/routes", ".yaml"))
                .results()
                .forEach(counter -> names.add(counter.group(1)));
        return names;
    }

    private static TreeMap<String, String> found() {
        TreeMap<String, String> suffixes = new TreeMap<>();
        REGISTERED
                .matcher(SourceFiles.text("src/main/java", ".java"))
                .results()
                .forEach(meter -> suffixes.put(meter.group(2), suffix(meter.group(1))));
        return suffixes;
    }

    private static String suffix(String method) {
        if (method.endsWith("counter") || method.startsWith("Counter")) {
            return "_total";
        }
        return List.of("Timer.builder", ".timer").contains(method.replaceAll("\\s", "")) ? "_seconds" : "";
    }
}
