package agentbus.mcp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.Answer;
import agentbus.harness.Door;
import agentbus.harness.Door.Work;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.modelcontextprotocol.client.McpClient;
import io.modelcontextprotocol.client.McpSyncClient;
import io.modelcontextprotocol.client.transport.HttpClientStreamableHttpTransport;
import io.modelcontextprotocol.json.jackson2.JacksonMcpJsonMapper;
import io.modelcontextprotocol.json.schema.JsonSchemaValidator.ValidationResponse;
import io.modelcontextprotocol.spec.McpSchema.CallToolRequest;
import io.modelcontextprotocol.spec.McpSchema.CallToolResult;
import io.modelcontextprotocol.spec.McpSchema.InitializeResult;
import io.modelcontextprotocol.spec.McpSchema.TextContent;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** A job's life through the MCP door, led by the official SDK's own client. */
@ExtendWith(PostgresExtension.class)
class McpJobLifeTest {
    private static Door door;
    private static McpSyncClient client;
    private static InitializeResult hello;

    @BeforeAll
    static void open(TestDatabase database, @TempDir Path home) throws IOException {
        door = Door.open(database, home);
        client = McpClient.sync(HttpClientStreamableHttpTransport.builder(
                                door.bus().bus().url())
                        .endpoint("/mcp")
                        .jsonMapper(new JacksonMcpJsonMapper(new JsonMapper()))
                        .build())
                // No tool has a schema for its answer: there is nothing to validate.
                .jsonSchemaValidator((schema, value) -> ValidationResponse.asValid(null))
                .requestTimeout(Duration.ofSeconds(60))
                .build();
        hello = client.initialize();
    }

    @AfterAll
    static void close() {
        client.closeGracefully();
        door.close();
    }

    private static CallToolResult call(String tool, String token, Map<String, Object> arguments) {
        Map<String, Object> all = new HashMap<>(arguments);
        all.put("token", token);
        return client.callTool(new CallToolRequest(tool, all, null));
    }

    private static JsonNode done(String tool, String token, Map<String, Object> arguments) {
        CallToolResult result = call(tool, token, arguments);
        assertFalse(Boolean.TRUE.equals(result.isError()), result.toString());
        JsonNode answer = json(result);
        assertEquals(answer, Json.tree(result.structuredContent()));
        return answer;
    }

    private static JsonNode refused(CallToolResult result) {
        assertTrue(result.isError(), result.toString());
        assertNull(result.structuredContent());
        return json(result);
    }

    private static String text(CallToolResult result) {
        assertEquals(1, result.content().size());
        return ((TextContent) result.content().get(0)).text();
    }

    private static JsonNode json(CallToolResult result) {
        try {
            return Json.read(text(result));
        } catch (JsonProcessingException notJson) {
            throw new AssertionError(text(result), notJson);
        }
    }

    private static JsonNode stored(String jobId) {
        return door.get("/v1/jobs/" + jobId).json();
    }

    @Test
    void the_client_is_greeted_in_its_own_version_and_told_how_to_call() {
        assertEquals("agentbus", hello.serverInfo().name());
        assertEquals("2025-11-25", hello.protocolVersion());
        assertTrue(hello.instructions().contains("token"), hello.instructions());
        assertEquals(9, client.listTools().tools().size());
        client.ping();
    }

    @Test
    void a_job_is_read_reported_on_and_completed_with_what_follows_from_it() {
        Work work = door.work();
        Map<String, Object> me = Map.of("jobId", work.jobId());

        assertEquals("leased", done("get", work.token(), me).path("state").asText());
        done("progress", work.token(), Map.of("jobId", work.jobId(), "percent", 40, "line", "reading"));
        assertEquals("reading", stored(work.jobId()).at("/status/line").asText());
        JsonNode enqueued =
                done("enqueue", work.token(), Map.of("targetAgent", "other", "subject", "work", "payload", Map.of()));
        assertEquals(
                "worker",
                stored(enqueued.at("/job/jobId").asText()).path("sourceAgent").asText());
        JsonNode emitted = done("emit", work.token(), Map.of("topic", "a.fact", "payload", Map.of("n", 1)));
        assertEquals(work.jobId(), emitted.at("/event/sourceJobId").asText());
        JsonNode closed = done(
                "complete",
                work.token(),
                Map.of(
                        "jobId", work.jobId(),
                        "summary", "done over MCP",
                        "result", Map.of("load", 0.4),
                        "followUps", List.of(Map.of("targetAgent", "other", "subject", "work")),
                        "events", List.of(Map.of("topic", "b.fact"))));

        assertEquals("succeeded", closed.at("/job/state").asText());
        assertEquals(1, closed.path("followUps").size());
        assertEquals(1, closed.path("events").size());
        assertEquals("done over MCP", stored(work.jobId()).path("summary").asText());
        assertEquals(
                work.jobId(),
                stored(closed.at("/followUps/0").asText()).path("parentJobId").asText());
    }

    @Test
    void a_close_over_mcp_said_again_over_http_is_answered_the_same() {
        Work work = door.work();
        CallToolResult first =
                call("complete", work.token(), Map.of("jobId", work.jobId(), "summary", "s", "result", Map.of("a", 1)));

        Answer second = door.unchanged(() -> door.call(
                "POST",
                "/v1/jobs/" + work.jobId() + "/complete",
                work.token(),
                "{\"summary\":\"s\",\"result\":{\"a\":1}}"));

        assertEquals(200, second.status());
        assertEquals(second.text(), text(first));
        refused(call("complete", work.token(), Map.of("jobId", work.jobId(), "summary", "another")));
    }

    @Test
    void a_job_is_blocked_and_a_job_is_failed() {
        Work blocked = door.work();
        Work failed = door.work();

        JsonNode block = done(
                "block",
                blocked.token(),
                Map.of("jobId", blocked.jobId(), "reason", "no key", "unblock", Map.of("person", "anna")));
        JsonNode fail =
                done("fail", failed.token(), Map.of("jobId", failed.jobId(), "error", "no answer", "retry", false));

        assertEquals("blocked", block.at("/job/state").asText());
        assertTrue(stored(blocked.jobId()).path("nextMove").asText().contains("anna"));
        assertEquals("failed", fail.at("/job/state").asText());
    }

    @Test
    void an_operator_lists_and_enqueues_with_a_token_of_his_own() {
        JsonNode job = done(
                "enqueue",
                door.operator(),
                Map.of("targetAgent", "worker", "subject", "work", "delaySeconds", 3600, "flowKey", "mcp-flow"));

        JsonNode list = done("list", door.operator(), Map.of("flowKey", "mcp-flow", "limit", 5));

        assertEquals(1, list.path("jobs").size());
        assertEquals(job.at("/job/jobId"), list.at("/jobs/0/jobId"));
    }

    @Test
    void a_refusal_is_a_result_that_says_what_would_be_right() {
        Work mine = door.work();
        Work theirs = door.work("other");

        JsonNode problem = refused(call("complete", mine.token(), Map.of("jobId", theirs.jobId(), "summary", "s")));

        assertEquals("wrong_attempt", problem.path("code").asText());
        assertEquals("jobId", problem.path("field").asText());
        assertEquals(mine.jobId(), problem.path("expected").asText());
        assertFalse(problem.path("detail").asText().isBlank());
        done("complete", theirs.token(), Map.of("jobId", theirs.jobId(), "summary", "s"));
    }

    @Test
    void a_close_takes_verdicts_on_memories_though_the_list_of_tools_does_not_show_them() {
        Work work = door.work();

        JsonNode answer = done(
                "complete",
                work.token(),
                Map.of(
                        "jobId",
                        work.jobId(),
                        "summary",
                        "s",
                        "memories",
                        List.of(Map.of("id", "m1", "verdict", "used"))));

        assertEquals("m1", answer.at("/memoriesIgnored/0").asText(), answer.toString());
    }
}
