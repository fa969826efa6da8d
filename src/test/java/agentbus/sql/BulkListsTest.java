package agentbus.sql;

import static agentbus.sql.Machine.json;
import static agentbus.sql.Machine.refusal;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The lists of bulk actions, and their namespaces. */
@ExtendWith(PostgresExtension.class)
class BulkListsTest {
    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
    }

    private JsonNode start(String namespace, ObjectNode filter) {
        return bus.ask(
                "start_bulk_action",
                "namespace",
                namespace,
                "operation",
                "redrive",
                "filter",
                filter,
                "reason",
                "the source is back");
    }

    @Test
    void actions_are_listed_newest_first_page_by_page_and_in_their_own_namespace() {
        bus.jdbc().update("insert into namespaces (namespace) values ('bulk') on conflict do nothing");
        for (int i = 0; i < 3; i++) {
            bus.dead();
        }
        for (String text : List.of("one", "two", "three")) {
            start("default", json("text", text));
        }
        JsonNode page = bus.ask("list_bulk_actions", "limit", 2);
        JsonNode rest = bus.ask(
                "list_bulk_actions", "limit", 2, "before", page.get("next").asText());

        assertEquals("three", page.at("/bulkActions/0/filter/text").asText());
        assertEquals("one", rest.at("/bulkActions/0/filter/text").asText());
        assertFalse(rest.has("next"));
        assertEquals(
                0,
                bus.ask("list_bulk_actions", "status", "done")
                        .get("bulkActions")
                        .size());
        assertEquals(
                0,
                bus.ask("list_bulk_actions", "namespace", "bulk")
                        .get("bulkActions")
                        .size());
        String id = page.at("/bulkActions/0/bulkId").asText();
        assertEquals(
                "404 unknown_bulk_action bulkId",
                refusal(() -> bus.ask("get_bulk_action", "namespace", "bulk", "bulkId", id))
                        .brief());
        JsonNode other = start("bulk", json("all", true));
        bus.jdbc().update("update bulk_actions set status = 'stopped', ended_at = now() where namespace = 'default'");
        assertFalse(bus.jdbc().queryForObject("select run_bulk_batch()", Boolean.class));
        assertEquals(
                "done",
                bus.ask(
                                "get_bulk_action",
                                "namespace",
                                "bulk",
                                "bulkId",
                                other.get("bulkId").asText())
                        .get("status")
                        .asText());
        assertEquals(3, bus.count("jobs where state = 'dead'"));
    }
}
