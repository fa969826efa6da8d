package agentbus.contract;

import agentbus.text.Nearest;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;

/**
 * Finds the operation of a method and path. Fixed segments win over parameters, so /v1/jobs/claim is not a job with the
 * id "claim".
 */
final class PathTable {
    private final Map<Integer, List<Template>> bySize = new HashMap<>();
    private final List<String> paths = new ArrayList<>();

    /** One path template with its operations by method. */
    private record Template(String path, String[] segments, Map<String, Entry> methods) {
        boolean matches(String[] given) {
            for (int i = 0; i < segments.length; i++) {
                if (isParameter(segments[i]) ? given[i].isEmpty() : !segments[i].equals(given[i])) {
                    return false;
                }
            }
            return true;
        }

        /** The sort key: fixed segments before parameters, from left to right. */
        String order() {
            StringBuilder order = new StringBuilder();
            for (String segment : segments) {
                order.append(isParameter(segment) ? '1' : '0');
            }
            return order.toString();
        }

        private static boolean isParameter(String segment) {
            return segment.startsWith("{");
        }
    }

    PathTable(List<Entry> operations) {
        Map<String, Map<String, Entry>> byPath = new LinkedHashMap<>();
        for (Entry operation : operations) {
            byPath.computeIfAbsent(operation.path(), path -> new LinkedHashMap<>())
                    .put(operation.method(), operation);
        }
        byPath.forEach((path, methods) -> {
            Template template = new Template(path, path.split("/", -1), methods);
            bySize.computeIfAbsent(template.segments.length, size -> new ArrayList<>())
                    .add(template);
            paths.add(path);
        });
        // No Comparator.comparing: its lambda can be serialised, so that no class archive holds it and each start makes
        // it anew.
        bySize.values()
                .forEach(templates -> templates.sort((one, other) -> one.order().compareTo(other.order())));
    }

    /**
     * Finds the operation of a method and path.
     *
     * @param operations reads the operation of an entry
     * @throws Problem no_such_operation, method_not_allowed, or invalid_field for a parameter that cannot be decoded
     */
    Match match(String method, String path, Function<Entry, Operation> operations) {
        String[] given = path.split("/", -1);
        for (Template template : bySize.getOrDefault(given.length, List.of())) {
            if (template.matches(given)) {
                Entry operation = template.methods.get(method);
                if (operation == null) {
                    throw Problem.methodNotAllowed(method, path, template.methods.keySet());
                }
                return new Match(operations.apply(operation), parameters(template, given));
            }
        }
        throw Problem.noSuchOperation(method + " " + path, nearest(path));
    }

    private Optional<String> nearest(String path) {
        return Nearest.of(path, paths);
    }

    private static Map<String, String> parameters(Template template, String[] given) {
        Map<String, String> parameters = new TreeMap<>();
        for (int i = 0; i < given.length; i++) {
            String segment = template.segments[i];
            if (Template.isParameter(segment)) {
                String name = segment.substring(1, segment.length() - 1);
                parameters.put(name, decode(name, given[i]));
            }
        }
        return parameters;
    }

    private static String decode(String name, String segment) {
        if (segment.indexOf('%') < 0) {
            return segment;
        }
        try {
            // The decoder is made for forms, where a plus sign is a space; in a path it is a plus sign.
            return URLDecoder.decode(segment.replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException broken) {
            String expected = "text with % only before two hexadecimal digits";
            throw Problem.invalidField(
                    name,
                    JsonNodeFactory.instance.textNode(segment),
                    name + " is \"" + segment + "\", which cannot be decoded; it must be " + expected + ".",
                    expected);
        }
    }
}
