package agentbus.orders;

import agentbus.text.Nearest;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.camel.CamelContext;
import org.apache.camel.model.Model;
import org.apache.camel.model.RouteDefinition;
import org.apache.camel.model.TemplatedRouteDefinition;

/** Reads the standing orders from the defined routes, and checks them before Camel starts a route. */
public final class OrderReader {
    private static final String TEMPLATE = "standing-order";
    private static final String EVERY_YEAR = "0 0 0 1 1 ?";
    private static final List<String> REPORTS =
            List.of("", "daily_digest", "ideas_digest", "weekly_report", "weekly_bets");
    private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9-]{0,62}");
    private static final Pattern SESSION = Pattern.compile("isolated|session:[a-z0-9][a-z0-9:_-]{0,99}");

    private final Set<String> agents;
    private final Set<String> preChecks = new TreeSet<>(Set.of(""));

    /**
     * A reader.
     *
     * @param agents the ids of all agents
     * @param preChecks the names of all pre-checks
     */
    public OrderReader(Set<String> agents, Set<String> preChecks) {
        this.agents = Set.copyOf(agents);
        this.preChecks.addAll(preChecks);
    }

    /**
     * Reads the orders, and adds to each the parameters that its trigger needs.
     *
     * @param camel a context whose routes are defined, started or not
     * @return the routes made from the template {@code standing-order}, sorted by name
     * @throws OrderMistake for the first order with a mistake
     */
    public List<Order> read(CamelContext camel) {
        List<Order> orders = new ArrayList<>();
        Set<String> known = parameters(camel);
        for (RouteDefinition route :
                camel.getCamelContextExtension().getContextPlugin(Model.class).getRouteDefinitions()) {
            Map<String, Object> parameters = route.getTemplateParameters();
            // These parameters identify a standing order; no other template has them.
            if (parameters != null && parameters.containsKey("agent") && parameters.containsKey("instructions")) {
                orders.add(order(route, known));
                parameters.putAll(derived(route.getRouteId(), orders.get(orders.size() - 1)));
            }
        }
        orders.sort(Comparator.comparing(Order::name));
        return orders;
    }

    /**
     * Checks an order that is not yet a route, and adds the parameters that its trigger needs.
     *
     * @param camel has the template of the orders
     * @param route a route from a template; a route from another template is ignored
     * @throws OrderMistake when the order has a mistake
     */
    void check(CamelContext camel, TemplatedRouteDefinition route) {
        if (!TEMPLATE.equals(route.getRouteTemplateRef())) {
            return;
        }
        Map<String, Object> values = new HashMap<>();
        camel.getCamelContextExtension().getContextPlugin(Model.class).getRouteTemplateDefinitions().stream()
                .filter(template -> TEMPLATE.equals(template.getId()))
                .flatMap(template -> template.getTemplateParameters().stream())
                .filter(parameter -> parameter.getDefaultValue() != null)
                .forEach(parameter -> values.put(parameter.getName(), parameter.getDefaultValue()));
        route.getParameters().forEach(parameter -> values.put(parameter.getName(), parameter.getValue()));
        derived(route.getRouteId(), order(route.getRouteId(), values, parameters(camel)))
                .forEach((name, value) -> {
                    route.getParameters()
                            .removeIf(parameter -> parameter.getName().equals(name));
                    route.parameter(name, value);
                });
    }

    /**
     * The template needs the route's id, which Camel 4.17 does not provide as a parameter, and a cron expression that
     * fires again, because Quartz refuses any other. A fire of an order that is over settles nothing.
     */
    private static Map<String, String> derived(String routeId, Order order) {
        boolean over = !order.schedule().comesAfter(Instant.now());
        return Map.of("routeId", routeId, "trigger", over ? EVERY_YEAR : order.cron());
    }

    private static Set<String> parameters(CamelContext camel) {
        return camel.getCamelContextExtension().getContextPlugin(Model.class).getRouteTemplateDefinitions().stream()
                .filter(template -> TEMPLATE.equals(template.getId()))
                .flatMap(template -> template.getTemplateParameters().stream())
                .map(parameter -> parameter.getName())
                .collect(Collectors.toSet());
    }

    private Order order(RouteDefinition route, Set<String> known) {
        Map<String, Object> values = new HashMap<>();
        if (route.getTemplateDefaultParameters() != null) {
            values.putAll(route.getTemplateDefaultParameters());
        }
        values.putAll(route.getTemplateParameters());
        return order(route.getRouteId(), values, known);
    }

    private Order order(String name, Map<String, Object> given, Set<String> known) {
        Values values = new Values(name, given, known);
        Order order = new Order(
                values.name(),
                values.oneOf("agent", agents),
                values.text("cron"),
                values.text("zone"),
                values.notBlank("purpose"),
                values.notBlank("instructions"),
                values.matching(
                        "session", SESSION, "isolated, or session: and a name of lower case letters and digits"),
                values.oneOf("catchUp", List.of("skip", "latest", "all")),
                values.number("catchUpCap", 1, 100),
                values.number("staggerSeconds", 0, 86_400),
                values.oneOf("overlap", List.of("skip", "coalesce", "queue")),
                values.number("graceSeconds", 1, 604_800),
                values.number("timeoutSeconds", 0, 86_400),
                values.oneOf("jobType", List.of("scheduled", "proactive", "idle")),
                values.number("priority", 1, 1_000),
                values.oneOf("preCheck", preChecks),
                values.oneOf("startedBy", List.of("bus", "external")),
                values.oneOf("report", REPORTS));
        if (order.jobType().equals("idle") && !order.preCheck().equals("idle")) {
            throw values.mistake(
                    "jobType is idle, so preCheck must be idle: it lets the run begin only while no work" + " waits");
        }
        values.oneOf("zone", ZoneId.getAvailableZoneIds());
        values.schedule(order);
        return order;
    }

    /** The parameters of one order, with the error messages for wrong ones. */
    private static final class Values {
        private final String order;
        private final Map<String, Object> values = new HashMap<>();

        Values(String order, Map<String, Object> given, Set<String> known) {
            this.order = order;
            values.putAll(given);
            // Camel also keeps each parameter under its kebab-case name.
            values.keySet().removeIf(key -> key.contains("-") && values.containsKey(camelCase(key)));
            // Parameters that Camel or this class adds.
            values.keySet().removeAll(Set.of("routeId", "trigger", "templateId", "prefixId", "routeTemplateId"));
            for (String parameter : values.keySet()) {
                if (!known.contains(parameter)) {
                    throw mistake(parameter + " is no parameter of a standing order" + Nearest.meant(parameter, known));
                }
            }
        }

        private static String camelCase(String kebab) {
            return Pattern.compile("-([a-z])").matcher(kebab).replaceAll(letter -> letter.group(1)
                    .toUpperCase(Locale.ROOT));
        }

        OrderMistake mistake(String message) {
            return new OrderMistake(order, message);
        }

        private OrderMistake wrong(String key, String rule) {
            return mistake(key + " is \"" + text(key) + "\"; it must be " + rule);
        }

        String name() {
            if (!NAME.matcher(order).matches()) {
                throw mistake("routeId is \"" + order
                        + "\"; it must be a name of lower case letters, digits and hyphens, a letter first");
            }
            return order;
        }

        String text(String key) {
            Object value = values.get(key);
            return value == null ? "" : value.toString().strip();
        }

        String notBlank(String key) {
            if (text(key).isEmpty()) {
                throw mistake(key + " is empty; say it");
            }
            return text(key);
        }

        String matching(String key, Pattern pattern, String rule) {
            if (!pattern.matcher(text(key)).matches()) {
                throw wrong(key, rule);
            }
            return text(key);
        }

        String oneOf(String key, Collection<String> allowed) {
            String value = text(key);
            if (!allowed.contains(value)) {
                String rule = allowed.size() > 20
                        ? "a known one"
                        : "one of "
                                + allowed.stream()
                                        .filter(word -> !word.isEmpty())
                                        .sorted()
                                        .collect(Collectors.joining(", "));
                throw mistake(key + " is \"" + value + "\"; it must be " + rule + Nearest.meant(value, allowed));
            }
            return value;
        }

        int number(String key, int min, int max) {
            try {
                int number = Integer.parseInt(text(key));
                if (number >= min && number <= max) {
                    return number;
                }
            } catch (NumberFormatException noNumber) {
                throw wrong(key, "a whole number from " + min + " to " + max);
            }
            throw wrong(key, "a whole number from " + min + " to " + max);
        }

        void schedule(Order read) {
            try {
                if (!read.schedule().comesAfter(Instant.EPOCH)) {
                    throw mistake("cron is \"" + read.cron() + "\", which never comes");
                }
            } catch (IllegalArgumentException wrong) {
                throw mistake("cron is \"" + read.cron() + "\"; it " + wrong.getMessage());
            }
        }
    }
}
