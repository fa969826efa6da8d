package agentbus.orders;

import agentbus.db.Statements;
import agentbus.settings.StartFailure;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import org.apache.camel.CamelContext;
import org.apache.camel.model.TemplatedRouteDefinition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Writes the standing orders of the route files to the database, with their slots. */
public final class OrderSync {
    private static final Logger LOG = LoggerFactory.getLogger(OrderSync.class);

    private final Statements statements;
    private final String namespace;
    private final OrderPlanner planner;
    private final Set<String> agents;
    private final Function<CamelContext, Map<String, Integer>> phases;

    /**
     * Syncs the orders of one node's route files.
     *
     * @param statements runs the statements of the start
     * @param namespace the namespace of the orders
     * @param planner computes the missing slots
     * @param agents the ids of all agents
     * @param phases returns the phase of each order by its name; an order of no phase is absent
     */
    public OrderSync(
            Statements statements,
            String namespace,
            OrderPlanner planner,
            Set<String> agents,
            Function<CamelContext, Map<String, Integer>> phases) {
        this.statements = statements;
        this.namespace = namespace;
        this.planner = planner;
        this.agents = agents;
        this.phases = phases;
    }

    /**
     * Syncs the orders of a context whose routes are defined and not yet started.
     *
     * @param camel the context
     * @return the number of orders
     * @throws OrderMistake for the first order with a mistake
     * @throws StartFailure when a statement fails
     */
    public int sync(CamelContext camel) {
        ArrayNode orders = JsonNodeFactory.instance.arrayNode();
        Map<String, Integer> phaseOf = phases.apply(camel);
        reader().read(camel).forEach(order -> orders.add(order.toJson().put("phase", phaseOf.get(order.name()))));
        fillGaps(orders);
        String synced = statements.text("sql/statements/start/sync-standing-orders.sql", namespace, orders.toString());
        LOG.debug("Standing orders synced: {}", synced);
        for (JsonNode row : rows()) {
            Map<String, Object> slots = planner.slots(row);
            // Each order is a statement and a commit of its own, and after a short stop none has anything to write.
            if (Boolean.TRUE.equals(slots.get("due"))) {
                write(slots);
            }
        }
        ZoneData.compare(statements, namespace);
        return orders.size();
    }

    /**
     * Checks orders that are not yet routes of the context.
     *
     * @param camel has the template of the orders
     * @param routes routes from templates; routes from other templates are ignored
     * @throws OrderMistake for the first order with a mistake
     */
    public void check(CamelContext camel, List<TemplatedRouteDefinition> routes) {
        OrderReader reader = reader();
        routes.forEach(route -> reader.check(camel, route));
    }

    /** Writes the slots that fell due under the old schedules, before those schedules change or disappear. */
    private void fillGaps(ArrayNode orders) {
        Map<String, String> hashes = new HashMap<>();
        orders.forEach(order -> hashes.put(
                order.get("name").asText(), order.get("definitionHash").asText()));
        for (JsonNode row : rows()) {
            String wanted = hashes.get(row.get("order").asText());
            if (!row.get("definitionHash").asText().equals(wanted)) {
                write(planner.gap(row));
            }
        }
    }

    private JsonNode rows() {
        return statements.json("sql/statements/start/standing-orders-to-plan.sql", namespace);
    }

    private OrderReader reader() {
        Set<String> preChecks = new TreeSet<>();
        statements.json("sql/statements/start/pre-check-names.sql").forEach(name -> preChecks.add(name.asText()));
        return new OrderReader(agents, preChecks);
    }

    private void write(Map<String, Object> slots) {
        statements.text(
                "sql/statements/start/plan-slots.sql",
                slots.get("namespace"),
                slots.get("order"),
                slots.get("cron"),
                slots.get("zone"),
                slots.get("from"),
                slots.get("slots"),
                slots.get("until"));
    }
}
