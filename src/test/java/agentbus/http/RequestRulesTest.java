package agentbus.http;

import static agentbus.harness.Door.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.Answer;
import agentbus.harness.Door;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import agentbus.settings.HttpAddress;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Requests that a proxy or a browser may be tricked into: unclear paths, foreign hosts, HTTP/2, and pages of the server. */
@ExtendWith(PostgresExtension.class)
class RequestRulesTest {
    private static final String TOKEN = "observe-token-of-tests";
    private static final String NAMES =
            "localhost, an IP address, the name of this machine, the host of agentbus.http.public-url, or one of"
                    + " agentbus.http.allowed-hosts";
    private static Door door;

    @BeforeAll
    static void open(TestDatabase database, @TempDir Path home) throws IOException {
        door = Door.open(
                database,
                home,
                "agentbus.observe.token",
                TOKEN,
                "agentbus.http.public-url",
                "https://Bus.example.org:8443",
                "agentbus.http.allowed-hosts",
                "bus.lan, agentbus",
                "agentbus.http.body-timeout-seconds",
                "1");
    }

    @AfterAll
    static void close() {
        door.close();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/v1/../observe/metrics",
                "/v1/%2e%2e/observe/info",
                "/v1/.%2E/observe/health",
                "/v1/..%2fobserve/health",
                "/v1/..",
                "/v1/../mcp",
                "/v1/./health",
                "/v1/health/.",
                "/v1/%2e/health",
                "//observe/health",
                "/observe//health",
                "/v1//health",
                "/v1/health//",
                "/v1%2fhealth",
                "/v1%2Fhealth",
                "/v1%5chealth",
                "/v1\\..\\observe\\health",
                "http://127.0.0.1/v1/../observe/health"
            })
    void a_path_that_means_another_one_is_404(String path) {
        Answer answer = door.unchanged(() -> door.raw(
                "GET " + path, "Authorization: Bearer " + (path.contains("observe") ? TOKEN : door.operator())));

        Door.assertProblem(answer, 404, "no_such_operation");
        assertEquals(
                "a path without //, /./, /../, \\, %2F and %5C",
                answer.json().path("expected").asText());
    }

    @Test
    void dots_within_a_segment_and_in_the_query_are_nothing_special() {
        assertEquals(200, door.get("/v1/jobs?flowKey=/../a//b").status());
        Door.assertProblem(door.get("/v1/standing-orders/a..b"), 400, "invalid_field");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "evil.example",
                "evil.example:8080",
                "evil",
                "localhost.evil.example",
                "127.0.0.1.evil.example",
                "127.0.0.1.nip.io:8080",
                "bus.example.org.evil.example",
                "2130706433",
                ""
            })
    void a_host_that_is_no_name_of_the_bus_is_403_at_every_door(String host) throws IOException {
        for (String line : new String[] {
            "GET /observe/metrics HTTP/1.1", "GET /v1/health HTTP/1.1", "POST /mcp HTTP/1.1", "GET /none HTTP/1.1"
        }) {
            String answer = exchange(line + "\r\nHost: " + host + "\r\nAuthorization: Bearer " + TOKEN
                    + "\r\nConnection: close\r\n\r\n");

            assertTrue(answer.startsWith("HTTP/1.1 403 "), line + "\n" + answer);
            assertTrue(
                    answer.contains("\"field\":\"Host\",\"value\":\"" + host + "\",\"expected\":\"" + NAMES), answer);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "localhost",
                "LOCALHOST:1",
                "a.localhost",
                "127.0.0.1",
                "10.1.2.3:8080",
                "[::1]:8080",
                "bus.example.org",
                "BUS.example.org:443",
                "bus.lan:80",
                "agentbus:8080"
            })
    void a_name_of_the_bus_is_accepted(String host) throws IOException {
        String answer = exchange("GET /v1/health HTTP/1.1\r\nHost: " + host + "\r\nAuthorization: Bearer "
                + door.operator() + "\r\nConnection: close\r\n\r\n");

        assertTrue(answer.startsWith("HTTP/1.1 200 "), answer);
    }

    @Test
    void the_name_of_this_machine_is_accepted_with_and_without_its_domain() throws IOException {
        String machine = HttpAddress.machineName();
        a_name_of_the_bus_is_accepted(machine + ":8080");
        a_name_of_the_bus_is_accepted(machine.replaceFirst("\\..*", "").toUpperCase(Locale.ROOT));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"/observe/metrics", "/observe/info", "/observe/health", "/observe/health/live", "/%6fbserve/info"
            })
    void a_page_of_the_server_asks_for_its_token(String path) {
        String expected = "Authorization: Bearer <the token of agentbus.observe.token>";

        Answer none = door.raw("GET " + path);
        Answer another = door.raw("GET " + path, "Authorization: Bearer " + door.operator());

        refused(none, 401, "missing_token", "Authorization", null, expected);
        assertEquals("Bearer", none.header("WWW-Authenticate"));
        refused(another, 401, "invalid_token", "Authorization", null, expected);
        assertEquals(
                200, door.raw("GET " + path, "Authorization: bearer " + TOKEN).status());
    }

    @Test
    void an_upgrade_to_http_2_is_not_taken() throws IOException {
        String answer = exchange("GET /v1/health HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
                + door.operator()
                + "\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n"
                // Ends the connection, so that the whole answer can be read.
                + "GET /v1/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");

        assertTrue(answer.startsWith("HTTP/1.1 200 "), answer);
    }

    @Test
    void http_2_without_a_question_is_refused() throws IOException {
        String answer = exchange("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0");

        // In the form of HTTP/1.1, which is no frame of HTTP/2.
        assertEquals("HTTP/2.0 501 Not Implemented", answer.lines().findFirst().orElse(""));
    }

    @Test
    void a_slow_body_with_an_upgrade_is_answered_like_any_other() throws IOException {
        String answer = exchange(
                "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
                        + door.operator() + "\r\nContent-Type: application/json\r\nContent-Length: 100\r\n"
                        + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n{");

        assertTrue(answer.startsWith("HTTP/1.1 408 "), answer);
    }

    @Test
    void an_operation_whose_route_does_not_run_is_503_with_a_time_to_wait() throws Exception {
        door.bus().bus().camel().getRouteController().stopRoute("serve-api");
        try {
            Answer answer = door.get("/v1/health");

            Door.assertProblem(answer, 503, "unavailable");
            assertEquals("2", answer.header("Retry-After"));
            Door.assertProblem(door.get("/v1/nothing"), 404, "no_such_operation");
            Door.assertProblem(door.send("PUT", "/v1/jobs", BodyPublishers.noBody()), 405, "method_not_allowed");
        } finally {
            door.bus().bus().camel().getRouteController().startRoute("serve-api");
        }
        assertEquals(200, door.get("/v1/health").status());
    }

    /** Sends a text over a socket of its own, and reads until the bus closes the connection. */
    private static String exchange(String request) throws IOException {
        URI address = URI.create(door.bus().bus().url());
        try (Socket socket = new Socket(address.getHost(), address.getPort())) {
            socket.setSoTimeout(60_000);
            socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
