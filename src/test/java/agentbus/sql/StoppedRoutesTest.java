package agentbus.sql;

import static agentbus.sql.Machine.json;
import static agentbus.sql.Machine.refusal;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Stopped routes in health and in needs-me, and who may look at a node with Hawtio. */
@ExtendWith(PostgresExtension.class)
class StoppedRoutesTest {
    private static final String ANNAS_TOKEN = "01".repeat(32);

    private Machine bus;
    private Needs needs;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        needs = new Needs(bus);
    }

    private void report(String node, String namespace, String routes) {
        bus.jdbc().queryForObject("select note_stopped_routes(?, ?, ?::jsonb)", Integer.class, node, namespace, routes);
    }

    private static String stopped(String route) {
        return "{\"route\": \"%s\", \"status\": \"stopped\", \"ageMs\": 5000, \"by\": \"operator:anna\"}"
                .formatted(route);
    }

    private JsonNode login(String allowed, String key, String value, String namespace) {
        return bus.one(
                "select hawtio_principal(?::jsonb, ?)",
                json(key, value, "allowed", List.of(allowed)).toString(),
                namespace);
    }

    @Test
    void a_stopped_route_is_a_problem_and_needs_a_person_until_it_runs() {
        report("node-1", "default", "[" + stopped("dispatch-jobs") + "]");

        JsonNode item = needs.only();
        assertEquals("route/node-1/dispatch-jobs", item.get("id").asText());
        assertEquals("route", item.get("kind").asText());
        assertEquals("dispatch-jobs", item.get("routeId").asText());
        String sentence = item.get("sentence").asText();
        assertTrue(
                sentence.matches("Route dispatch-jobs is stopped on node node-1 since 20\\S+Z, by operator:anna\\."),
                sentence);
        assertTrue(
                bus.ask("health").get("problems").toString().contains("route dispatch-jobs is stopped on node node-1"));

        String since = item.get("since").asText();
        report("node-1", "default", "[" + stopped("dispatch-jobs") + "]");
        assertEquals(since, needs.only().get("since").asText());

        report("node-1", "default", "[]");
        assertEquals(List.of(), needs.items());
        assertEquals("[]", bus.ask("health").get("problems").toString());
    }

    @Test
    void the_audit_log_says_when_a_route_stopped_and_ran_again_and_not_each_report() {
        report("node-1", "default", "[" + stopped("dispatch-jobs") + "]");
        report("node-1", "default", "[" + stopped("dispatch-jobs") + "]");
        report("node-1", "default", "[]");

        assertEquals(
                List.of("stopped_route.added", "stopped_route.removed"),
                bus.jdbc()
                        .queryForList(
                                "select action from audit_log where table_name = 'stopped_routes' order by audit_id",
                                String.class));
    }

    @Test
    void two_nodes_report_for_themselves_and_one_that_has_fallen_silent_is_left_out() {
        report("node-1", "default", "[" + stopped("dispatch-jobs") + "]");
        report("node-2", "default", "[" + stopped("dispatch-jobs") + "," + stopped("recover-jobs") + "]");
        assertEquals(3, needs.items().size());

        bus.jdbc().update("update stopped_routes set updated_at = now() - interval '61 seconds' where node = 'node-1'");
        assertEquals(
                List.of("route/node-2/dispatch-jobs", "route/node-2/recover-jobs"),
                needs.ids().stream().sorted().toList());

        bus.jdbc().queryForList("select dispatcher_stopped('node-2')");
        assertEquals(List.of(), needs.items());
    }

    @Test
    void a_stopped_route_concerns_the_namespaces_that_its_node_serves() {
        bus.jdbc().update("insert into namespaces (namespace) values ('east') on conflict do nothing");
        bus.jdbc().update("insert into bus_facts (namespace, name, value) values ('east', 'has_own_nodes', 'true')");
        report("node-1", "default", "[" + stopped("dispatch-jobs") + "]");
        report("node-2", "east", "[" + stopped("recover-jobs") + "]");

        assertEquals(List.of("route/node-1/dispatch-jobs"), needs.ids());
        assertEquals(
                "route/node-2/recover-jobs",
                needs.items("namespace", "east").get(0).get("id").asText());
    }

    @Test
    void only_an_operator_of_the_nodes_namespace_may_use_hawtio() {
        bus.jdbc().queryForList("select register_operator_token(decode(?, 'hex'), 'anna', 'default')", ANNAS_TOKEN);
        bus.ask("issue_viewer_token", "name", "vera", "reason", "looks", "tokenHash", "02".repeat(32));

        assertEquals(
                "anna",
                login("operator", "tokenHash", ANNAS_TOKEN, "default")
                        .get("name")
                        .asText());
        assertEquals(
                "401 invalid_token token",
                refusal(() -> login("operator", "tokenHash", "03".repeat(32), "default"))
                        .brief());
        assertEquals(
                "403 forbidden token",
                refusal(() -> login("operator", "tokenHash", "02".repeat(32), "default"))
                        .brief());
        bus.jdbc().update("insert into namespaces (namespace) values ('east') on conflict do nothing");
        assertEquals(
                "403 forbidden namespace",
                refusal(() -> login("operator", "tokenHash", ANNAS_TOKEN, "east"))
                        .brief());
    }

    @Test
    void a_call_of_an_mbean_names_actor_route_operation_and_arguments() {
        String call = json(
                        "node",
                        "node-1",
                        "mbean",
                        "org.apache.camel:type=routes",
                        "operation",
                        "stop(long)",
                        "route",
                        "dispatch-jobs",
                        "arguments",
                        List.of("x".repeat(600)))
                .toString();

        bus.jdbc()
                .queryForObject(
                        "select note_mbean_call(?::jsonb, 'default', ?::jsonb)",
                        String.class,
                        Machine.operator().toString(),
                        call);

        JsonNode row = bus.one("select to_jsonb(a) from audit_log a where action = 'mbean.stop'");
        assertEquals("operator:anna", row.get("actor").asText());
        assertEquals("routes", row.get("table_name").asText());
        assertEquals("dispatch-jobs", row.get("row_id").asText());
        assertEquals("stop(long)", row.at("/detail/operation").asText());
        assertEquals(500, row.at("/detail/arguments").asText().length());
    }
}
