package agentbus.dispatch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The abort of a run at a gateway: the request, and the meaning of its answers. */
class AbortCallTest {
    private static final String TOKEN = "operator-token-of-tests";

    private static Map<String, Object> abort(URI url, String token, Duration patience) throws Exception {
        Gateways gateways = new Gateways(List.of(new Gateway("east", url, Gateway.Form.MAPPED, "hook", token, 7, 300)));
        return new RunAborts(gateways, patience)
                .abort(Map.of(
                        "abort",
                        "{\"attemptId\":\"a-1\",\"gateway\":\"east\",\"sessionKey\":\"agent:devops:job:j-1\"}"));
    }

    private static Map<String, Object> answeredWith(String answer) throws Exception {
        try (GatewaySocket gateway = new GatewaySocket(TOKEN, answer)) {
            return abort(gateway.url(), TOKEN, Duration.ofSeconds(30));
        }
    }

    @Test
    void a_run_is_stopped_by_its_sessions_key() throws Exception {
        try (GatewaySocket gateway =
                new GatewaySocket(TOKEN, "\"ok\":true,\"payload\":{\"ok\":true,\"status\":\"aborted\"}")) {
            Map<String, Object> tried = abort(gateway.url(), TOKEN, Duration.ofSeconds(30));

            assertEquals("aborted", tried.get("outcome"));
            assertEquals("a-1", tried.get("attemptId"));
            assertNull(tried.get("error"));
            JsonNode connect = gateway.requests().get(0).get("params");
            assertEquals("gateway-client", connect.at("/client/id").asText());
            assertEquals("backend", connect.at("/client/mode").asText());
            assertEquals(4, connect.get("minProtocol").asInt());
            assertEquals(4, connect.get("maxProtocol").asInt());
            assertEquals(
                    "[\"operator.read\",\"operator.write\"]",
                    connect.get("scopes").toString());
            JsonNode call = gateway.requests().get(1);
            assertEquals("sessions.abort", call.get("method").asText());
            assertEquals(
                    "{\"key\":\"agent:devops:job:j-1\"}", call.get("params").toString());
        }
    }

    private static Map<String, Object> checked(String refusal) {
        try (GatewaySocket gateway = new GatewaySocket("the-token-in-force", null, refusal)) {
            Gateways gateways = new Gateways(
                    List.of(new Gateway("east", gateway.url(), Gateway.Form.MAPPED, "hook", TOKEN, 7, 300)));
            return new OperatorTokens(gateways, new RunAborts(gateways)).check("east");
        }
    }

    @Test
    void a_refused_connect_speaks_against_the_token_only_when_it_is_about_the_token() {
        assertEquals(
                "it refused connect: INVALID_REQUEST unauthorized: gateway token mismatch (<token>)",
                checked(null).get("refusal"));
        assertNull(checked("{\"code\":\"UNAVAILABLE\",\"message\":\"gateway is starting\"}"));
        assertNull(checked("{\"code\":\"INVALID_REQUEST\",\"message\":\"protocol mismatch\"}"));
    }

    @Test
    void no_run_there_is_as_good_as_stopped() throws Exception {
        assertEquals(
                "no_run",
                answeredWith("\"ok\":true,\"payload\":{\"ok\":true,\"status\":\"no-active-run\"}")
                        .get("outcome"));
    }

    @Test
    void another_answer_is_a_failure_that_quotes_it() throws Exception {
        Map<String, Object> tried = answeredWith("\"ok\":true,\"payload\":{\"status\":\"busy\"}");
        assertEquals("failed", tried.get("outcome"));
        assertEquals("it answered the abort with {\"status\":\"busy\"}", tried.get("error"));

        tried = answeredWith("\"ok\":false,\"error\":{\"code\":\"UNAVAILABLE\",\"message\":\"draining\"}");
        assertEquals("it refused sessions.abort: UNAVAILABLE draining", tried.get("error"));
    }

    @Test
    void a_wrong_token_is_told_and_not_quoted() throws Exception {
        try (GatewaySocket gateway = new GatewaySocket("another", "")) {
            Map<String, Object> tried = abort(gateway.url(), TOKEN, Duration.ofSeconds(30));

            assertEquals("failed", tried.get("outcome"));
            String error = tried.get("error").toString();
            assertTrue(error.startsWith("it refused connect: INVALID_REQUEST unauthorized"), error);
            assertFalse(error.contains(TOKEN), error);
        }
    }

    @Test
    void a_gateway_that_is_silent_is_given_up_after_a_while() throws Exception {
        try (GatewaySocket gateway = new GatewaySocket(TOKEN, null)) {
            Map<String, Object> tried = abort(gateway.url(), TOKEN, Duration.ofSeconds(1));

            assertEquals("failed", tried.get("outcome"));
            assertEquals("no answer within 1 s", tried.get("error"));
        }
    }

    @Test
    void nobody_at_the_address_is_a_failure() throws Exception {
        int port;
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = taken.getLocalPort();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        Map<String, Object> tried = abort(URI.create("http://127.0.0.1:" + port), TOKEN, Duration.ofSeconds(30));
        assertEquals("failed", tried.get("outcome"));
    }
}
