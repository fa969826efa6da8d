package agentbus.mcp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.contract.Operation;
import agentbus.harness.Door;
import agentbus.harness.Mcp;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import agentbus.settings.Version;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import com.knuddels.jtokkit.Encodings;
import com.knuddels.jtokkit.api.EncodingRegistry;
import com.knuddels.jtokkit.api.EncodingType;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The list of tools: what is in it, and what it costs those who read it in every run. */
@ExtendWith(PostgresExtension.class)
class McpToolsTest {
    private static final int ALL_PHASES = 5;
    /** Reads an encoding at its first use, which takes seconds. */
    private static final EncodingRegistry ENCODINGS = Encodings.newLazyEncodingRegistry();

    private static Door door;
    /** The list of a bus of phase 1. */
    private static JsonNode ofBus;
    /** The list with the tools of every phase. */
    private static JsonNode list;

    @BeforeAll
    static void open(TestDatabase database, @TempDir Path home) throws Exception {
        door = Door.open(database, home);
        ofBus = new Mcp(door).request("tools/list", "{}");
        list = list(ALL_PHASES);
    }

    /** The list of a bus whose highest phase this is, without the bus. */
    private static JsonNode list(int highestPhase) throws Exception {
        RouteTransport transport = new RouteTransport();
        McpTools.serve(Door.CONTRACT, Version.read(), highestPhase, transport, call -> {
            throw new AssertionError("no tool is called");
        });
        JsonNode request = Json.read(Door.json("{'jsonrpc':'2.0','id':7,'method':'tools/list','params':{}}"));
        return Json.read(McpTools.JSON.writeValueAsString(
                transport.answer(request, "127.0.0.1").orElseThrow()));
    }

    private static List<String> names(JsonNode list) {
        return List.copyOf(list.at("/result/tools").findValuesAsText("name"));
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
        assertEquals(
                List.of(
                        "enqueue",
                        "list",
                        "get",
                        "complete",
                        "block",
                        "fail",
                        "progress",
                        "ask",
                        "propose",
                        "recall",
                        "emit"),
                names(list));
        assertEquals(
                names(list),
                Door.CONTRACT.operations().stream()
                        .flatMap(operation -> operation.tool().stream())
                        .map(tool -> tool.name())
                        .toList());
    }

    @Test
    void a_tool_of_a_phase_that_is_off_is_not_listed() throws Exception {
        List<String> spine = List.of("enqueue", "list", "get", "complete", "block", "fail", "progress", "ask", "emit");

        assertEquals(ofBus, list(1));
        assertEquals(spine, names(ofBus));
        assertEquals(spine, names(list(2)));
        assertFalse(names(list(3)).contains("recall"));
        assertEquals(names(list), names(list(4)));
    }

    @Test
    void there_are_eleven_tools_at_most() {
        assertTrue(names(list).size() <= 11, list.toString());
    }

    @ParameterizedTest
    @CsvSource({"CL100K_BASE, 2, 1000", "O200K_BASE, 2, 1000", "CL100K_BASE, 5, 1300", "O200K_BASE, 5, 1300"})
    void the_whole_list_is_under_a_thousand_tokens_and_with_all_phases_under_1300(
            EncodingType encoding, int highestPhase, int most) throws Exception {
        String text = list(highestPhase).toString();
        int tokens = ENCODINGS.getEncoding(encoding).countTokens(text);

        assertTrue(tokens < most, tokens + " tokens, " + text.length() + " characters: " + text);
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
