package agentbus.mcp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.Answer;
import agentbus.harness.Door;
import agentbus.harness.Door.Work;
import agentbus.harness.Mcp;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What comes to the MCP door and is no call of a tool: greetings, notifications, pages from elsewhere, and rubbish. */
@ExtendWith(PostgresExtension.class)
class McpMessagesTest {
    private static final String LIST = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}";
    private static Door door;
    private static Mcp mcp;

    @BeforeAll
    static void open(TestDatabase database, @TempDir Path home) throws IOException {
        door = Door.open(database, home);
        mcp = new Mcp(door);
    }

    @AfterAll
    static void close() {
        door.close();
    }

    private static String hello(String version) {
        return "{'protocolVersion':'" + version + "','capabilities':{},'clientInfo':{'name':'t','version':'1'}}";
    }

    @ParameterizedTest
    @CsvSource({
        "2025-11-25, 2025-11-25",
        "2025-06-18, 2025-06-18",
        "2025-03-26, 2025-03-26",
        "2024-11-05, 2025-11-25",
        "2099-01-01, 2025-11-25"
    })
    void a_version_that_is_known_is_spoken_and_any_other_is_answered_with_the_newest(String asked, String spoken) {
        JsonNode answer = mcp.request("initialize", hello(asked));

        assertEquals(spoken, answer.at("/result/protocolVersion").asText(), answer.toString());
        assertEquals("agentbus", answer.at("/result/serverInfo/name").asText());
        assertTrue(answer.at("/result/capabilities").has("tools"), answer.toString());
    }

    @Test
    void a_call_needs_no_greeting_and_no_session() {
        Answer answer = mcp.post(LIST);

        assertEquals(200, answer.status());
        assertNull(answer.header("Mcp-Session-Id"));
        assertEquals("no-store", answer.header("Cache-Control"));
        assertNull(answer.header("Server"));
    }

    @Test
    void a_ping_is_answered_and_an_unknown_method_is_not_found() {
        assertEquals("{}", mcp.request("ping", "{}").path("result").toString());
        assertEquals(
                -32601, mcp.request("resources/list", "{}").at("/error/code").asInt());
        assertEquals(-32601, mcp.request("complete", "{}").at("/error/code").asInt());
    }

    @ParameterizedTest
    @ValueSource(strings = {"notifications/initialized", "notifications/cancelled", "notifications/of_nothing"})
    void a_notification_is_accepted_without_a_word(String method) {
        Answer answer = door.unchanged(() -> mcp.post("{\"jsonrpc\":\"2.0\",\"method\":\"" + method + "\"}"));

        assertEquals(202, answer.status(), answer.text());
        assertEquals("", answer.text());
        assertNull(answer.header("Content-Type"));
    }

    @Test
    void a_call_sent_as_a_notification_does_nothing() {
        Work work = door.work();

        Answer answer = door.unchanged(() -> mcp.post(
                Door.json("{'jsonrpc':'2.0','method':'tools/call','params':{'name':'complete','arguments':{'token':'"
                        + work.token() + "','jobId':'" + work.jobId() + "','summary':'s'}}}")));

        assertEquals(202, answer.status());
    }

    @Test
    void an_unknown_tool_is_an_error_of_the_protocol_that_names_it() {
        JsonNode answer = mcp.request("tools/call", "{'name':'drop','arguments':{}}");

        assertEquals(-32602, answer.at("/error/code").asInt(), answer.toString());
        assertTrue(answer.at("/error/data").asText().contains("drop"), answer.toString());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "tools/call|{'name':'get','arguments':'SECRET'}",
                "tools/call|{'name':'get','arguments':['SECRET']}",
                "tools/call|{'name':{'SECRET':1}}",
                "initialize|{'protocolVersion':['SECRET']}",
                "initialize|{'protocolVersion':'2025-11-25','clientInfo':'SECRET'}"
            })
    void parameters_of_the_wrong_type_are_refused_and_not_repeated(String method, String params) {
        JsonNode answer = mcp.request(method, params);

        assertEquals(-32602, answer.at("/error/code").asInt(), answer.toString());
        assertFalse(answer.toString().matches("(?s).*(SECRET|Exception|java|jackson|io\\.model).*"), answer.toString());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "{'jsonrpc':'2.0',|-32700",
                "{'jsonrpc':'2.0','id':1,'id':2,'method':'ping'}|-32700",
                "{'jsonrpc':'2.0','id':1,'method':'ping'} x|-32700",
                "nonsense|-32700",
                "~~|-32700",
                "[{'jsonrpc':'2.0','id':1,'method':'ping'}]|-32600",
                "[]|-32600",
                "'ping'|-32600",
                "{}|-32600",
                "{'id':1,'method':'ping'}|-32600",
                "{'jsonrpc':'1.0','id':1,'method':'ping'}|-32600",
                "{'jsonrpc':'2.0','id':1,'method':5}|-32600",
                "{'jsonrpc':'2.0','id':null,'method':'ping'}|-32600",
                "{'jsonrpc':'2.0','id':1.5,'method':'ping'}|-32600",
                "{'jsonrpc':'2.0','id':1,'method':'ping','params':[]}|-32600",
                "{'jsonrpc':'2.0','id':1,'result':{}}|-32600",
            })
    void what_is_no_message_is_400_with_an_error_that_has_no_id(String body, int code) {
        Answer answer = door.unchanged(() -> mcp.post(Door.json(body)));

        assertEquals(400, answer.status(), answer.text());
        assertEquals("application/json", answer.header("Content-Type"));
        assertEquals(code, answer.json().at("/error/code").asInt(), answer.text());
        assertFalse(answer.json().at("/error/message").asText().isBlank());
        assertFalse(answer.json().has("id"));
        assertFalse(answer.json().has("result"));
    }

    @Test
    void bytes_that_are_no_text_are_400() {
        byte[] body = LIST.replace("tools", "\u00e4").getBytes(StandardCharsets.ISO_8859_1);

        Answer answer = door.send("POST", "/mcp", BodyPublishers.ofByteArray(body), Mcp.HEADERS);

        assertEquals(400, answer.status());
        assertTrue(answer.json().at("/error/message").asText().contains("0xE4"), answer.text());
    }

    @Test
    void an_id_comes_back_as_it_was() {
        for (String id : new String[] {"\"a-1\"", "0", "-5", "9007199254740993", "\"\""}) {
            Answer answer = mcp.post("{\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"method\":\"ping\"}");
            assertEquals(id, answer.json().path("id").toString(), answer.text());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"GET", "DELETE", "PUT", "PATCH", "OPTIONS", "BREW"})
    void a_method_other_than_post_is_405(String method) {
        Answer answer = door.unchanged(() -> door.send(method, "/mcp", BodyPublishers.noBody()));

        Door.refused(answer, 405, "method_not_allowed", null, "'" + method + "'", "POST");
        assertEquals("POST", answer.header("Allow"));
    }

    @Test
    void a_body_of_five_megabytes_is_413() {
        String body = LIST.replace("}", ",\"params\":{\"a\":\"" + "x".repeat(5_000_000) + "\"}}");
        String expected = "at most 65536 bytes; put what is larger elsewhere and its address into the payload";

        Door.refused(
                door.unchanged(() ->
                        door.send("POST", "/mcp", Door.chunked(body.getBytes(StandardCharsets.UTF_8)), Mcp.HEADERS)),
                413,
                "body_too_large",
                "body",
                null,
                expected);
        Door.refused(door.unchanged(() -> mcp.post(body)), 413, "body_too_large", "body", null, expected);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://evil.example",
                "https://127.0.0.1.evil.example",
                "http://localhost.evil.example:8080",
                "http://10.0.0.1",
                "null",
                "file://"
            })
    void a_page_from_elsewhere_is_403_before_anything_else(String origin) {
        Door.refused(
                door.unchanged(() -> mcp.post(LIST, "Origin", origin)),
                403,
                "forbidden",
                "Origin",
                "'" + origin + "'",
                "no Origin, or one of this machine");
        Door.assertProblem(door.send("GET", "/mcp", BodyPublishers.noBody(), "Origin", origin), 403, "forbidden");
        Door.assertProblem(mcp.post("nonsense", "Origin", "http://localhost", "Origin", origin), 403, "forbidden");
    }

    @Test
    void a_page_from_this_machine_may_call() {
        for (String origin : new String[] {
            "http://localhost",
            "http://localhost:3000",
            "http://127.0.0.1:8080",
            "http://[::1]:1",
            "https://localhost",
            door.bus().bus().url()
        }) {
            assertEquals(200, mcp.post(LIST, "Origin", origin).status(), origin);
        }
    }

    @Test
    void an_answer_that_the_client_does_not_take_is_406() {
        for (String accept : new String[] {"text/html", "text/event-stream", "application/xml, text/*"}) {
            Door.refused(
                    door.unchanged(() -> door.send(
                            "POST",
                            "/mcp",
                            BodyPublishers.ofString(LIST),
                            "Content-Type",
                            "application/json",
                            "Accept",
                            accept)),
                    406,
                    "not_acceptable",
                    "Accept",
                    "'" + accept + "'",
                    "application/json, text/event-stream");
        }
        for (String accept : new String[] {"*/*", "application/*;q=0.5", "text/event-stream, application/json"}) {
            Answer answer = door.send(
                    "POST",
                    "/mcp",
                    BodyPublishers.ofString(LIST),
                    "Content-Type",
                    "application/json; charset=utf-8",
                    "Accept",
                    accept);
            assertEquals(200, answer.status(), accept + ": " + answer.text());
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "text/plain",
                "application/x-www-form-urlencoded",
                "multipart/form-data",
                "multipart/form-data; boundary=b",
                "application/json; charset=iso-8859-1"
            })
    void a_body_of_another_type_is_415(String type) {
        Answer answer =
                door.unchanged(() -> door.send("POST", "/mcp", BodyPublishers.ofString(LIST), "Content-Type", type));

        Door.refused(
                answer, 415, "unsupported_media_type", "Content-Type", "'" + type + "'", "application/json, in UTF-8");
    }

    @ParameterizedTest
    @CsvSource({"2026-07-28, server/discover", "2026-07-28, tools/list", "1999-01-01, tools/list", "x, initialize"})
    void a_version_in_the_header_that_is_not_spoken_is_an_error_that_lists_the_spoken_ones(
            String version, String method) {
        assertEquals(200, mcp.post(LIST, "MCP-Protocol-Version", "2025-06-18").status());

        Answer answer = mcp.post(
                Door.json("{'jsonrpc':'2.0','id':'d-1','method':'" + method + "','params':{}}"),
                "MCP-Protocol-Version",
                version);

        assertEquals(400, answer.status(), answer.text());
        assertEquals("application/json", answer.header("Content-Type"));
        JsonNode message = answer.json();
        assertEquals("2.0", message.path("jsonrpc").asText());
        assertEquals("d-1", message.path("id").asText());
        assertEquals(-32000, message.at("/error/code").asInt());
        assertEquals(
                "Unsupported protocol version: " + version
                        + " (supported versions: 2025-03-26, 2025-06-18, 2025-11-25)",
                message.at("/error/message").asText());
        assertEquals(version, message.at("/error/data/requested").asText());
        assertEquals(
                "[\"2025-03-26\",\"2025-06-18\",\"2025-11-25\"]",
                message.at("/error/data/supported").toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"http://localhost:6274", "https://127.0.0.1:1", "http://[::1]"})
    void a_page_of_this_machine_may_ask_first_and_read_the_answer(String origin) {
        Answer asked = door.send(
                "OPTIONS",
                "/mcp",
                BodyPublishers.noBody(),
                "Origin",
                origin,
                "Access-Control-Request-Method",
                "POST",
                "Access-Control-Request-Headers",
                "content-type,mcp-protocol-version");

        assertEquals(204, asked.status(), asked.text());
        assertEquals(origin, asked.header("Access-Control-Allow-Origin"));
        assertEquals("POST", asked.header("Access-Control-Allow-Methods"));
        assertEquals("content-type,mcp-protocol-version", asked.header("Access-Control-Allow-Headers"));
        for (Answer answer : new Answer[] {
            mcp.post(LIST, "Origin", origin),
            mcp.post("nonsense", "Origin", origin),
            mcp.post(LIST, "Origin", origin, "MCP-Protocol-Version", "2026-07-28"),
            door.send("GET", "/mcp", BodyPublishers.noBody(), "Origin", origin),
            mcp.post("x".repeat(70_000), "Origin", origin)
        }) {
            assertEquals(origin, answer.header("Access-Control-Allow-Origin"), answer.text());
            assertEquals("Origin", answer.header("Vary"));
        }
        assertNull(mcp.post(LIST).header("Access-Control-Allow-Origin"));
        assertNull(door.send("GET", "/v1/agents", BodyPublishers.noBody(), "Origin", origin)
                .header("Access-Control-Allow-Origin"));
    }

    @Test
    void a_page_from_elsewhere_may_not_ask_first() {
        Answer answer = door.send(
                "OPTIONS",
                "/mcp",
                BodyPublishers.noBody(),
                "Origin",
                "http://evil.example",
                "Access-Control-Request-Method",
                "POST");

        Door.assertProblem(answer, 403, "forbidden");
        assertNull(answer.header("Access-Control-Allow-Origin"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"CamelSqlQuery", "CamelSqlParameters", "CamelHttpUri", "CamelBeanMethodName", "operation"})
    void a_header_of_camel_s_own_means_nothing(String name) {
        String call =
                Door.json("{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'list','arguments':{'token':'"
                        + door.operator() + "'}}}");

        Answer answer = door.unchanged(() -> mcp.post(call, name, "delete from agentbus.jobs"));

        assertEquals(200, answer.status(), answer.text());
        assertTrue(answer.json().at("/result/structuredContent").has("jobs"), answer.text());
    }
}
