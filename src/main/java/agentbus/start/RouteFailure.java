package agentbus.start;

import agentbus.orders.OrderMistake;
import agentbus.settings.StartFailure;
import java.io.BufferedReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.camel.CamelContext;
import org.apache.camel.FailedToCreateRouteException;
import org.apache.camel.FailedToStartRouteException;
import org.apache.camel.model.Model;
import org.apache.camel.model.ProcessorDefinition;
import org.apache.camel.model.RouteDefinition;
import org.apache.camel.spi.Resource;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;

/** Explains in one line why the routes did not start: the file, the line and the mistake. */
final class RouteFailure {
    private static final Pattern FIELD = Pattern.compile("Unsupported field: (\\S+)");
    private static final Pattern DUPLICATE = Pattern.compile("Duplicate route ids detected: ([^,\\s]+)\\.");
    private static final Pattern STEP = Pattern.compile(">>> (.*) <<<", Pattern.DOTALL);
    private static final Pattern ADDRESS = Pattern.compile("(?:file|classpath|jar):\\S*\\.yaml");

    private final CamelContext camel;
    private final RouteFiles files;

    private RouteFailure(CamelContext camel, RouteFiles files) {
        this.camel = camel;
        this.files = files;
    }

    /**
     * Explains why the routes did not start.
     *
     * @param failed the exception of Camel's start
     * @param camel the context that did not start
     * @param files the route files it was given
     * @return a start failure such as {@code routes/phase-1-spine/x.camel.yaml:6: route x: nobody is no bean here}
     */
    static StartFailure explain(Exception failed, CamelContext camel, RouteFiles files) {
        RouteMistake mistake = new RouteMistake(failed, camel);
        return new StartFailure(new RouteFailure(camel, files).where(failed) + mistake.told(), failed);
    }

    private String where(Exception failed) {
        for (Throwable cause : RouteMistake.causes(failed)) {
            if (cause instanceof MarkedYamlEngineException marked
                    && marked.getProblemMark().isPresent()) {
                return in(marked);
            }
            if (cause instanceof OrderMistake order) {
                String places = String.join(" and ", placesOf(order.order()));
                return (places.isEmpty() ? "" : places + ": ") + "order " + order.order() + ": ";
            }
            if (cause instanceof FailedToCreateRouteException route && route.getRouteId() != null) {
                return in(route.getRouteId(), route.getMessage());
            }
            if (cause instanceof FailedToStartRouteException route && route.getRouteId() != null) {
                return in(route.getRouteId(), "");
            }
            Matcher duplicate = DUPLICATE.matcher(String.valueOf(cause.getMessage()));
            if (duplicate.find()) {
                String places = String.join(" and ", placesOf(duplicate.group(1)));
                return places.isEmpty() ? "" : places + ": ";
            }
        }
        return RouteMistake.causes(failed).stream()
                .map(cause -> ADDRESS.matcher(String.valueOf(cause.getMessage())))
                .filter(Matcher::find)
                .map(found -> files.place(found.group()) + ": ")
                .findFirst()
                .orElse("the routes do not start: ");
    }

    private String in(MarkedYamlEngineException wrong) {
        Mark mark = wrong.getProblemMark().orElseThrow();
        Matcher field = FIELD.matcher(String.valueOf(wrong.getProblem()));
        int line = mark.getLine() + 1;
        if (field.find()) {
            // The mark points at the object around the field, so the line of the field is searched.
            Pattern key = Pattern.compile("[\\s-]*[\"']?" + Pattern.quote(field.group(1)) + "[\"']?\\s*:.*");
            line = lineOf(mark.getName(), key, line).orElse(line);
        }
        return files.place(mark.getName()) + ":" + line + ": ";
    }

    private String in(String routeId, String message) {
        RouteDefinition route =
                camel.getCamelContextExtension().getContextPlugin(Model.class).getRouteDefinition(routeId);
        if (route == null || route.getResource() == null) {
            return "route " + routeId + ": ";
        }
        Matcher step = STEP.matcher(String.valueOf(message));
        int line = step.find() ? lineOf(route, step.group(1)) : lineOfInput(route);
        return files.place(route.getResource().getLocation()) + (line > 0 ? ":" + line : "") + ": route " + routeId
                + ": ";
    }

    private static int lineOfInput(RouteDefinition route) {
        int line = route.getInput() == null ? -1 : route.getInput().getLineNumber();
        return line > 0 ? line : route.getLineNumber();
    }

    private static int lineOf(RouteDefinition route, String step) {
        return steps(route.getOutputs())
                .filter(candidate -> candidate.toString().equals(step))
                .map(ProcessorDefinition::getLineNumber)
                .findFirst()
                .orElseGet(() -> lineOfInput(route));
    }

    private static Stream<ProcessorDefinition<?>> steps(List<ProcessorDefinition<?>> outputs) {
        return outputs.stream().flatMap(step -> Stream.concat(Stream.of(step), steps(step.getOutputs())));
    }

    private List<String> placesOf(String routeId) {
        Pattern id = Pattern.compile(
                "\\s*(?:-\\s+route:\\s*)?-?\\s*(?:id|routeId):\\s*[\"']?" + Pattern.quote(routeId) + "[\"']?\\s*");
        List<String> places = new ArrayList<>();
        for (Resource resource : resources()) {
            lineOf(resource, id, 1).ifPresent(line -> places.add(files.place(resource.getLocation()) + ":" + line));
        }
        return places;
    }

    private List<Resource> resources() {
        try {
            return files.find(camel);
        } catch (StartFailure unreadable) {
            // The mistake is still reported, but without file and line, because the files cannot be read.
            return List.of();
        }
    }

    private Optional<Integer> lineOf(String name, Pattern text, int from) {
        return resources().stream()
                .filter(resource -> resource.getLocation().equals(name))
                .findFirst()
                .flatMap(resource -> lineOf(resource, text, from));
    }

    private static Optional<Integer> lineOf(Resource resource, Pattern text, int from) {
        try (var reader = new BufferedReader(resource.getReader())) {
            List<String> lines = reader.lines().toList();
            for (int i = from - 1; i < lines.size(); i++) {
                if (text.matcher(lines.get(i)).matches()) {
                    return Optional.of(i + 1);
                }
            }
        } catch (Exception unreadable) {
            return Optional.empty();
        }
        return Optional.empty();
    }
}
