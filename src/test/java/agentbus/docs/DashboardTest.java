package agentbus.docs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The dashboard and its provisioning can be loaded by Grafana as they are. MetricsTableTest looks at the metrics. */
class DashboardTest {
    private final JsonNode dashboard = Dashboard.read().json();

    @Test
    void it_asks_for_its_data_source_by_a_variable_and_carries_no_export() {
        assertTrue(dashboard.get("id").isNull());
        assertEquals("agentbus", dashboard.get("uid").asText());
        assertFalse(dashboard.has("__inputs"), "an export for sharing cannot be provisioned");
        assertFalse(dashboard.toString().contains("${DS_"));
        List<JsonNode> sources = dashboard.findValues("datasource");
        assertTrue(sources.size() > 20);
        for (JsonNode source : sources) {
            assertEquals("${datasource}", source.get("uid").asText());
        }
        List<String> variables = dashboard.at("/templating/list").findValuesAsText("name");
        assertEquals(List.of("datasource", "namespace"), variables);
    }

    @Test
    void its_panels_have_a_title_an_id_and_a_place_of_their_own() {
        Set<Integer> ids = new HashSet<>();
        Set<String> places = new HashSet<>();
        for (JsonNode panel : dashboard.get("panels")) {
            String title = panel.get("title").asText();
            assertTrue(ids.add(panel.get("id").asInt()), title);
            JsonNode place = panel.get("gridPos");
            for (int x = 0; x < place.get("w").asInt(); x++) {
                for (int y = 0; y < place.get("h").asInt(); y++) {
                    int column = place.get("x").asInt() + x;
                    assertTrue(column < 24, title);
                    assertTrue(places.add(column + "/" + (place.get("y").asInt() + y)), title + " covers another");
                }
            }
            assertTrue(
                    panel.get("type").asText().equals("row")
                            || panel.path("targets").size() > 0,
                    title);
            assertEquals(
                    panel.path("targets").size(),
                    Set.copyOf(panel.path("targets").findValuesAsText("refId")).size(),
                    title);
        }
        assertEquals("Needs a person", dashboard.at("/panels/0/title").asText());
    }

    @Test
    void the_provisioning_names_the_data_source_and_the_directory() throws IOException {
        JsonNode source = provisioned("datasources").at("/datasources/0");
        assertEquals("prometheus", source.get("type").asText());
        assertEquals("agentbus-prometheus", source.get("uid").asText());
        JsonNode provider = provisioned("dashboards").at("/providers/0");
        assertEquals("file", provider.get("type").asText());
        assertEquals("/etc/agentbus/grafana", provider.at("/options/path").asText());
    }

    private static JsonNode provisioned(String what) throws IOException {
        JsonNode file = Json.yaml()
                .readTree(
                        SourceFiles.text(java.nio.file.Path.of("ops/grafana/provisioning/" + what + "/agentbus.yml")));
        assertEquals(1, file.get("apiVersion").asInt());
        return file;
    }
}
