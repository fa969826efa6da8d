package agentbus.start;

import agentbus.orders.OrderMistake;
import agentbus.text.Nearest;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.camel.CamelContext;
import org.apache.camel.NoSuchBeanException;
import org.apache.camel.NoSuchEndpointException;
import org.apache.camel.NoSuchLanguageException;
import org.apache.camel.PropertyBindingException;
import org.apache.camel.spi.EndpointUriFactory;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;

/** Explains a mistake in a route in the terms of a route file. Camel's exceptions speak of Camel's classes. */
final class RouteMistake {
    private static final Pattern OPTION = Pattern.compile(
            "Failed to resolve endpoint: ([a-zA-Z0-9+.-]+):.*Unknown parameters=\\[\\{([^=}]+)=", Pattern.DOTALL);
    private static final Pattern KEY = Pattern.compile("Property with key \\[([^\\]]+)\\] not found");
    private static final Pattern METHOD =
            Pattern.compile("Method with name: (\\S+) not found on bean: \\S+ of type: (\\S+)");
    private static final Pattern DUPLICATE = Pattern.compile("Duplicate route ids detected: (.+?)\\. Please");
    private static final Pattern RESOURCE = Pattern.compile("Cannot find resource: (\\S+)");
    private static final Pattern CONSUMERS =
            Pattern.compile("Multiple consumers for the same endpoint is not allowed: ([a-z]+):/*(\\S+)");
    private static final Pattern NODE = Pattern.compile("Unknown node id: (\\S+)");
    private static final Pattern FIELD = Pattern.compile("Unsupported field: (\\S+)");

    private final List<Throwable> causes;
    private final CamelContext camel;

    RouteMistake(Throwable failed, CamelContext camel) {
        this.causes = causes(failed);
        this.camel = camel;
    }

    /** The exception and its causes, outermost first. */
    static List<Throwable> causes(Throwable failed) {
        List<Throwable> causes = new ArrayList<>();
        for (Throwable cause = failed; cause != null && !causes.contains(cause); cause = cause.getCause()) {
            causes.add(cause);
        }
        return causes;
    }

    /** The mistake in one line. */
    String told() {
        // The innermost cause is the most precise, so the search begins with it.
        for (int i = causes.size() - 1; i >= 0; i--) {
            String known = known(causes.get(i));
            if (!known.isEmpty()) {
                return known;
            }
        }
        for (int i = causes.size() - 1; i >= 0; i--) {
            String message = causes.get(i).getMessage();
            if (message != null && !message.isBlank()) {
                return plain(message);
            }
        }
        return causes.get(causes.size() - 1).getClass().getSimpleName();
    }

    private String known(Throwable cause) {
        if (cause instanceof OrderMistake order) {
            return order.getMessage();
        }
        if (cause instanceof NoSuchBeanException bean) {
            return unknown(
                    "bean here",
                    bean.getName(),
                    camel.getRegistry().findByTypeWithName(Object.class).keySet());
        }
        if (cause instanceof NoSuchEndpointException endpoint) {
            return unknown("component here", endpoint.getUri().replaceFirst(":.*", ""), camel.getComponentNames());
        }
        if (cause instanceof NoSuchLanguageException language) {
            return language.getLanguage() + " is no language here";
        }
        if (cause instanceof PropertyBindingException binding && binding.getPropertyName() != null) {
            return option(binding);
        }
        if (cause instanceof MarkedYamlEngineException marked) {
            return yaml(marked);
        }
        return byMessage(String.valueOf(cause.getMessage()));
    }

    private static String option(PropertyBindingException binding) {
        // For one of Camel's settings, prefix and key together are the setting's name.
        String name = binding.getOptionKey() == null
                ? "the option " + binding.getPropertyName()
                : String.valueOf(binding.getOptionPrefix()).replaceFirst("[.]$", "") + "." + binding.getOptionKey();
        return binding.getCause() == null
                ? name + " does not exist"
                : name + " cannot be \"" + binding.getValue() + "\"";
    }

    private static String yaml(MarkedYamlEngineException marked) {
        String problem = String.valueOf(marked.getProblem());
        Matcher node = NODE.matcher(problem);
        if (node.find()) {
            return node.group(1) + " is no step and no element of a route file";
        }
        Matcher field = FIELD.matcher(problem);
        if (field.find()) {
            return field.group(1) + " is no key that may stand here";
        }
        String begun = marked.getContextMark()
                .map(mark -> " " + marked.getContext() + ", begun in line " + (mark.getLine() + 1))
                .orElse("");
        return "not YAML: " + plain(problem) + begun;
    }

    private String byMessage(String message) {
        Matcher option = OPTION.matcher(message);
        if (option.find()) {
            return unknown("option of " + option.group(1), option.group(2), options(option.group(1)));
        }
        Matcher key = KEY.matcher(message);
        if (key.find()) {
            return key.group(1) + " is no setting, and the placeholder {{" + key.group(1) + "}} needs it";
        }
        Matcher method = METHOD.matcher(message);
        if (method.find()) {
            return method.group(2).replaceFirst(".*\\.", "") + " has no method " + method.group(1);
        }
        Matcher duplicate = DUPLICATE.matcher(message);
        if (duplicate.find()) {
            return "two routes have the id " + duplicate.group(1) + "; each needs one of its own";
        }
        Matcher resource = RESOURCE.matcher(message);
        if (resource.find()) {
            return "there is no file " + resource.group(1);
        }
        Matcher consumers = CONSUMERS.matcher(message);
        if (consumers.find()) {
            return "another route begins with " + consumers.group(1) + ":" + consumers.group(2) + ", too";
        }
        if (message.contains("Resource is empty")) {
            return "the file is empty";
        }
        return message.contains("has no output processors") ? "the route has no steps" : "";
    }

    private Collection<String> options(String component) {
        EndpointUriFactory factory = camel.getCamelContextExtension().getEndpointUriFactory(component);
        return factory == null ? List.of() : factory.propertyNames();
    }

    private static String unknown(String what, String name, Collection<String> known) {
        return name + " is no " + what + Nearest.meant(name, known);
    }

    /** A library's message without line breaks, exception names, package names and object addresses. */
    private static String plain(String message) {
        return message.strip()
                .replaceAll("\\s*\\R\\s*", " ")
                .replaceAll("\\b(?:[a-z][\\w]*\\.)+[A-Z]\\w*(?:Exception|Error): ", "")
                .replaceAll("\\b(?:[a-z][\\w]*\\.)+([A-Z]\\w*)(?:@[0-9a-f]+)?", "$1");
    }
}
