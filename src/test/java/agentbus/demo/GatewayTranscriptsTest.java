package agentbus.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The gateway's answers, row by row as measured on OpenClaw 2026.9.6. */
class GatewayTranscriptsTest {

    private static final String UUID = "[0-9a-f-]{36}";

    private final TestGatewayOptions options = TestGatewayOptions.defaults(HookClient.TOKEN)
            .withAgents(Set.of("coordinator", "devops", "secret"))
            .withAllowedAgents(Set.of("coordinator", "devops"));
    private TestGateway gateway = gateway(options);
    private HookClient client = new HookClient(gateway);

    private static TestGateway gateway(TestGatewayOptions options) {
        return new TestGateway(options, run -> CompletableFuture.completedFuture(null));
    }

    private void restartWith(TestGatewayOptions changed) {
        gateway.close();
        gateway = gateway(changed);
        client = new HookClient(gateway);
    }

    @AfterEach
    void close() {
        gateway.close();
    }

    private static void assertRefused(HttpResponse<String> response, int status, String error) {
        assertEquals(status, response.statusCode(), response.body());
        assertEquals("{\"ok\":false,\"error\":\"" + error.replace("\"", "\\\"") + "\"}", response.body());
        assertEquals(
                "application/json; charset=utf-8",
                response.headers().firstValue("Content-Type").orElse(""));
    }

    private static void assertText(HttpResponse<String> response, int status, String text) {
        assertEquals(status, response.statusCode());
        assertEquals(text, response.body());
        assertTrue(response.headers().firstValue("Content-Type").orElse("").startsWith("text/plain"));
    }

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '^',
            delimiter = '|',
            value = {
                "{`message`:`x`,`agentId`:`nobody`}            | unknown agentId \"nobody\"",
                "{`message`:`x`,`agentId`:`secret`}            | agentId is not allowed by hooks.allowedAgentIds",
                "{`agentId`:`devops`}                          | message required",
                "{`message`:`  `}                              | message required",
                "{`message`:5}                                 | message required",
                "[1]                                           | message required",
                "{`message`:                                   | Unexpected end of JSON input",
                "{`message`:`x`,`sessionKey`:`agent:devops:job:77`} | sessionKey must start with one of: hook:, job:",
                "{`message`:`x`,`sessionMode`:`persistent`}    | sessionKey is required when sessionMode is persistent",
                "{`message`:`x`,`model`:5}                     | model required",
                "{`message`:`x`,`channel`:`telegram`}          | channel must be last"
            })
    void a_direct_hook_is_refused(String body, String error) throws Exception {
        assertRefused(client.post("/hooks/agent", body.replace('`', '"')), 400, error);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{'message':'x'}",
                "{'message':'x','agentId':'devops','deliver':false}",
                "{'message':'x','thinking':'bogus','wakeMode':'bogus','timeoutSeconds':-1,'unknown':[1]}",
                "{'message':'x','sessionKey':'job:7','sessionMode':'persistent'}",
                "{'message':'x','model':'fake/fake-2'}"
            })
    void a_direct_hook_is_admitted(String body) throws Exception {
        HttpResponse<String> response = client.post("/hooks/agent", body.replace('\'', '"'));
        assertEquals(200, response.statusCode());
        assertTrue(response.body().matches("\\{\"ok\":true,\"runId\":\"" + UUID + "\"}"), response.body());
        assertEquals(
                "application/json; charset=utf-8",
                response.headers().firstValue("Content-Type").orElse(""));
        assertEquals("timeout=5", response.headers().firstValue("Keep-Alive").orElse(""));
    }

    @Test
    void an_empty_body_has_no_message() throws Exception {
        assertRefused(client.post("/hooks/agent", ""), 400, "message required");
        assertRefused(client.post("/hooks/job/devops", ""), 400, "hook mapping requires message");
    }

    @Test
    void without_a_default_agent_a_direct_hook_must_name_one() throws Exception {
        restartWith(options.withoutSystemAgent());
        assertRefused(
                client.post("/hooks/agent", "{\"message\":\"x\"}"),
                400,
                "agentId is required when multiple agents are configured");
    }

    @Test
    void chosen_session_keys_can_be_forbidden_also_for_mapped_hooks() throws Exception {
        restartWith(options.withoutSessionKeys());
        String error = "sessionKey is disabled for externally supplied hook payload values;"
                + " set hooks.allowRequestSessionKey=true to enable";
        assertRefused(client.post("/hooks/agent", "{\"message\":\"x\",\"sessionKey\":\"job:1\"}"), 400, error);
        assertRefused(client.post("/hooks/job/devops", HookClient.job("J-1", "x")), 400, error);
    }

    @Test
    void a_waiting_hook_is_told_the_end_but_not_the_reason() throws Exception {
        String body = "{\"message\":\"x\",\"waitForCompletion\":true}";
        HttpResponse<String> ok = client.post("/hooks/agent", body);
        assertTrue(
                ok.body()
                        .endsWith("\"completion\":{\"status\":\"ok\",\"replyDisposition\":\"visible\","
                                + "\"delivered\":false,\"deliveryAttempted\":false}}"),
                ok.body());
        gateway.close();
        gateway = new TestGateway(options, run -> CompletableFuture.failedFuture(new IllegalStateException("no")));
        HttpResponse<String> failed = new HookClient(gateway).post("/hooks/agent", body);
        assertEquals(200, failed.statusCode());
        assertTrue(failed.body().contains("\"status\":\"error\",\"replyDisposition\":\"empty\""), failed.body());
    }

    @Test
    void a_missing_or_bad_token_is_unauthorized_and_either_header_is_good() throws Exception {
        String body = "{\"message\":\"x\"}";
        assertText(client.send(client.to("/hooks/agent", body)), 401, "Unauthorized");
        assertText(
                client.send(client.to("/hooks/agent", body).header("Authorization", "Bearer bad")),
                401,
                "Unauthorized");
        assertEquals(
                200,
                client.send(client.to("/hooks/agent", body).header("x-openclaw-token", HookClient.TOKEN))
                        .statusCode());
    }

    @Test
    void a_token_in_the_query_is_refused() throws Exception {
        assertText(
                client.post("/hooks/agent?token=" + HookClient.TOKEN, "{}"),
                400,
                "Hook token must be provided via Authorization: Bearer <token> or X-OpenClaw-Token header"
                        + " (query parameters are not allowed).");
    }

    @Test
    void the_21st_bad_token_is_too_many_and_a_good_one_resets_the_count() throws Exception {
        HttpRequest.Builder bad = client.to("/hooks/agent", "{}").header("Authorization", "Bearer bad");
        for (int i = 0; i < 20; i++) {
            assertEquals(401, client.send(bad).statusCode());
        }
        HttpResponse<String> response = client.send(bad);
        assertText(response, 429, "Too Many Requests");
        int retryAfter =
                Integer.parseInt(response.headers().firstValue("Retry-After").orElse("0"));
        assertTrue(retryAfter > 50 && retryAfter <= 60, "Retry-After: " + retryAfter);
        assertEquals(200, client.post("/hooks/agent", "{\"message\":\"x\"}").statusCode());
        assertEquals(401, client.send(bad).statusCode());
    }

    @Test
    void only_post_is_allowed() throws Exception {
        HttpResponse<String> response = client.get("/hooks/agent");
        assertText(response, 405, "Method Not Allowed");
        assertEquals("POST", response.headers().firstValue("Allow").orElse(""));
    }

    @ParameterizedTest
    @CsvSource({"/hooks", "/hooks/nothing", "/hooks/job/nobody", "/hooks/job", "/elsewhere"})
    void an_unknown_path_is_not_found(String path) throws Exception {
        assertText(client.post(path, HookClient.job("J-1", "x")), 404, "Not Found");
    }

    @Test
    void a_body_over_256_kib_is_too_large_and_closes_the_connection() throws Exception {
        String frame = "{\"message\":\"\"}";
        assertEquals(
                200,
                client.post("/hooks/agent", "{\"message\":\"" + "x".repeat(261_049 - frame.length()) + "\"}")
                        .statusCode());
        for (int size : new int[] {270_049, 3_000_000}) {
            HttpResponse<String> response =
                    client.post("/hooks/agent", "{\"message\":\"" + "x".repeat(size - frame.length()) + "\"}");
            assertRefused(response, 413, "payload too large");
            assertEquals("close", response.headers().firstValue("Connection").orElse(""));
        }
    }

    @Test
    void an_upgrade_is_no_valid_method() throws Exception {
        HttpClient http2 =
                HttpClient.newBuilder().version(HttpClient.Version.HTTP_2).build();
        HttpResponse<String> response = http2.send(
                client.hook("/hooks/agent", "{\"message\":\"x\"}").build(), HttpResponse.BodyHandlers.ofString());
        assertEquals(405, response.statusCode());
        assertEquals("Invalid HTTP method", response.body());
    }

    @Test
    void a_mapped_hook_requires_a_message() throws Exception {
        assertRefused(client.post("/hooks/job/devops", "{\"jobId\":\"J-1\"}"), 400, "hook mapping requires message");
        assertEquals(
                200,
                client.post("/hooks/job/devops", HookClient.job("J-41", "x")).statusCode());
    }

    @Test
    void a_mapped_session_key_is_lower_case_and_without_a_job_id_all_share_one() throws Exception {
        client.post("/hooks/job/devops", HookClient.job("J-41", "x"));
        client.post("/hooks/job/devops", "{\"message\":\"x\"}");
        assertEquals(
                Set.of("agent:devops:job:j-41", "agent:devops:job:"),
                Set.copyOf(gateway.ledger().runs().stream()
                        .map(GatewayLedger.StartedRun::sessionKey)
                        .toList()));
    }

    @Test
    void health_and_readiness_need_no_token() throws Exception {
        assertEquals("{\"ok\":true,\"status\":\"live\"}", client.get("/healthz").body());
        assertEquals(200, client.get("/readyz").statusCode());
    }
}
