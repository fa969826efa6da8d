package agentbus.hawtio;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;

import agentbus.ops.Program;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real Prometheus with the files of ops/prometheus, while a person stops a route in Hawtio and starts it again. */
class StoppedRouteAlertTest extends HawtioBus {
    private static final String ALERT = "AgentbusRouteStopped";

    private final HttpClient http = HttpClient.newHttpClient();

    @TempDir
    Path directory;

    private Process prometheus;
    private String address;

    @BeforeEach
    void startPrometheus() throws IOException {
        Program.require("prometheus", "prometheus");
        Path files = Path.of("ops/prometheus");
        Files.copy(files.resolve("agentbus-alerts.yml"), directory.resolve("agentbus-alerts.yml"));
        Path configuration = directory.resolve("prometheus.yml");
        // The files as they are, but for the time between two looks and the address of the node.
        Files.writeString(
                configuration, Files.readString(files.resolve("prometheus.yml")).replace(": 15s", ": 1s"));
        Files.writeString(
                directory.resolve("targets.yml"),
                "- targets: [\"" + URI.create(bus.bus().url()).getAuthority() + "\"]\n");
        address = "127.0.0.1:" + freePort();
        prometheus = new ProcessBuilder(
                        "prometheus",
                        "--config.file=" + configuration,
                        "--storage.tsdb.path=" + directory.resolve("data"),
                        "--web.listen-address=" + address)
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("prometheus.log").toFile())
                .start();
    }

    @AfterEach
    void stopPrometheus() throws InterruptedException {
        if (prometheus != null) {
            prometheus.destroy();
            if (!prometheus.waitFor(20, TimeUnit.SECONDS)) {
                prometheus.destroyForcibly().waitFor();
            }
        }
    }

    @Test
    void the_alert_turns_true_when_a_route_is_stopped_in_hawtio_and_false_when_it_is_started() throws Exception {
        String expression = expression();
        await().atMost(Duration.ofMinutes(1))
                .ignoreExceptions()
                .until(() -> query("up{job=\"agentbus\"} == 1").size() == 1);
        assertEquals(0, query(expression).size());

        operator.exec(route(ROUTE), "stop()");
        await().atMost(Duration.ofMinutes(1)).until(() -> query(expression).size() == 1);
        await().atMost(Duration.ofMinutes(1))
                .until(() -> query("ALERTS{alertname=\"" + ALERT + "\"}").size() == 1);

        operator.exec(route(ROUTE), "start()");
        await().atMost(Duration.ofMinutes(1)).until(() -> query(expression).isEmpty());
        await().atMost(Duration.ofMinutes(1))
                .until(() -> query("ALERTS{alertname=\"" + ALERT + "\"}").isEmpty());
    }

    /** The expression of the alert in the file that is shipped. */
    private static String expression() throws IOException {
        for (JsonNode group : Json.yaml()
                .readTree(Files.readString(Path.of("ops/prometheus/agentbus-alerts.yml")))
                .get("groups")) {
            for (JsonNode rule : group.get("rules")) {
                if (ALERT.equals(rule.path("alert").asText())) {
                    return rule.get("expr").asText();
                }
            }
        }
        throw new IllegalStateException("no alert " + ALERT);
    }

    /** The samples that an expression has now. */
    private JsonNode query(String expression) throws IOException, InterruptedException {
        String answer = http.send(
                        HttpRequest.newBuilder(URI.create("http://" + address + "/api/v1/query?query="
                                        + URLEncoder.encode(expression, StandardCharsets.UTF_8)))
                                .build(),
                        BodyHandlers.ofString())
                .body();
        return Json.read(answer).at("/data/result");
    }

    private static int freePort() throws IOException {
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return free.getLocalPort();
        }
    }
}
