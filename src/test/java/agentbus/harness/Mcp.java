package agentbus.harness;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.http.HttpRequest.BodyPublishers;

/** A client of the MCP door of a test's bus, with one message per call. */
public final class Mcp {
    public static final String[] HEADERS = {
        "Content-Type", "application/json", "Accept", "application/json, text/event-stream"
    };

    private final Door door;

    /** A client for the bus of an HTTP client. */
    public Mcp(Door door) {
        this.door = door;
    }

    /** Posts a body with the operator's token in the Authorization header, which the MCP door ignores. */
    public Answer post(String body, String... moreHeaders) {
        String[] headers = new String[HEADERS.length + moreHeaders.length];
        System.arraycopy(HEADERS, 0, headers, 0, HEADERS.length);
        System.arraycopy(moreHeaders, 0, headers, HEADERS.length, moreHeaders.length);
        return door.send("POST", "/mcp", BodyPublishers.ofString(body), headers);
    }

    /** Sends a request from a text with single quotes; returns the answer without its id. */
    public JsonNode request(String method, String params) {
        Answer answer = post(Door.json("{'jsonrpc':'2.0','id':7,'method':'" + method + "','params':" + params + "}"));
        assertEquals(200, answer.status(), answer.text());
        assertEquals("application/json", answer.header("Content-Type"));
        assertEquals(7, answer.json().path("id").asInt(), answer.text());
        assertEquals("2.0", answer.json().path("jsonrpc").asText());
        return answer.json();
    }

    /** Calls a tool with arguments in JSON and a token (null for none); returns the answer's result. */
    public JsonNode call(String tool, String token, String arguments) {
        try {
            ObjectNode with = (ObjectNode) Json.read(Door.json(arguments));
            if (token != null) {
                with.put("token", token);
            }
            JsonNode answer = request("tools/call", "{'name':'" + tool + "','arguments':" + with + "}");
            assertTrue(answer.has("result"), answer.toString());
            assertEquals(1, answer.at("/result/content").size());
            assertEquals("text", answer.at("/result/content/0/type").asText());
            return answer.get("result");
        } catch (com.fasterxml.jackson.core.JsonProcessingException wrong) {
            throw new IllegalArgumentException(arguments, wrong);
        }
    }

    /** Calls a tool, asserts its success, and returns its answer. */
    public JsonNode done(String tool, String token, String arguments) {
        JsonNode result = call(tool, token, arguments);
        assertTrue(!result.path("isError").asBoolean(), result.toString());
        assertEquals(text(result), result.get("structuredContent"));
        return text(result);
    }

    /** Calls a tool, asserts its refusal, and returns the problem. */
    public JsonNode refused(String tool, String token, String arguments) {
        JsonNode result = call(tool, token, arguments);
        assertTrue(result.path("isError").asBoolean(), result.toString());
        return text(result);
    }

    private static JsonNode text(JsonNode result) {
        try {
            return Json.read(result.at("/content/0/text").asText());
        } catch (com.fasterxml.jackson.core.JsonProcessingException wrong) {
            throw new AssertionError(result.toString(), wrong);
        }
    }
}
