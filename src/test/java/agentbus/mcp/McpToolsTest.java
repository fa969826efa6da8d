package agentbus.mcp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.contract.Operation;
import agentbus.harness.Door;
import agentbus.harness.Mcp;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import com.knuddels.jtokkit.Encodings;
import com.knuddels.jtokkit.api.EncodingType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The list of tools: what is in it, and what it costs those who read it in every run. */
@ExtendWith(PostgresExtension.class)
class McpToolsTest {
    private static Door door;
    private static JsonNode list;

    @BeforeAll
    static void open(TestDatabase database, @TempDir Path home) throws IOException {
        door = Door.open(database, home);
        list = new Mcp(door).request("tools/list", "{}");
    }

    @AfterAll
    static void close() {
        door.close();
    }

    private static JsonNode tool(String name) {
        return StreamSupport.stream(list.at("/result/tools").spliterator(), false)
                .filter(tool -> tool.path("name").asText().equals(name))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void the_tools_are_those_of_the_contract() {
        List<String> named = list.at("/result/tools").findValuesAsText("name");

        assertEquals(
                List.of("enqueue", "list", "get", "complete", "block", "fail", "progress", "ask", "emit"),
                List.copyOf(named));
        assertEquals(
                named,
                Door.CONTRACT.operations().stream()
                        .flatMap(operation -> operation.tool().stream())
                        .map(tool -> tool.name())
                        .toList());
    }

    @Test
    void there_are_nine_tools_at_most() {
        assertTrue(list.at("/result/tools").size() <= 9, list.toString());
    }

    @ParameterizedTest
    @EnumSource(
            value = EncodingType.class,
            names = {"CL100K_BASE", "O200K_BASE"})
    void the_whole_list_is_under_a_thousand_tokens(EncodingType encoding) {
        int tokens =
                Encodings.newDefaultEncodingRegistry().getEncoding(encoding).countTokens(list.toString());

        assertTrue(tokens < 1000, tokens + " tokens, " + list.toString().length() + " characters: " + list);
    }

    @Test
    void a_tool_shows_what_its_operation_needs_and_asks_for_a_token() {
        for (Operation operation : Door.CONTRACT.operations()) {
            operation.tool().ifPresent(tool -> {
                JsonNode schema = tool(tool.name()).path("inputSchema");
                List<String> shown =
                        List.copyOf(StreamSupport.stream(schema.path("required").spliterator(), false)
                                .map(JsonNode::asText)
                                .toList());
                assertEquals("token", shown.get(0));
                operation.inputSchema().path("required").forEach(name -> {
                    assertTrue(shown.contains(name.asText()), tool.name() + " hides " + name);
                    assertTrue(schema.path("properties").has(name.asText()), tool.name() + " hides " + name);
                });
                assertFalse(tool(tool.name()).path("description").asText().isBlank());
            });
        }
    }

    @Test
    void a_tool_that_changes_nothing_says_so() {
        for (JsonNode tool : list.at("/result/tools")) {
            boolean reads = List.of("get", "list").contains(tool.path("name").asText());
            assertEquals(reads, tool.at("/annotations/readOnlyHint").asBoolean(), tool.toString());
        }
    }

    @Test
    void a_list_shows_the_named_fields_of_its_items_and_what_they_require() {
        JsonNode followUp = tool("complete").at("/inputSchema/properties/followUps/items");

        assertEquals(
                "{\"type\":\"object\",\"properties\":{\"targetAgent\":{\"type\":\"string\"},\"subject\":{\"type\":\"string\"},"
                        + "\"payload\":{\"type\":\"object\"}},\"required\":[\"targetAgent\",\"subject\"]}",
                followUp.toString());
        assertEquals(
                "[\"completed\",\"no_work\"]",
                tool("complete").at("/inputSchema/properties/outcome/enum").toString());
    }
}
