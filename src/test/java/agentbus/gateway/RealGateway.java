package agentbus.gateway;

import agentbus.text.Json;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;

/**
 * The OpenClaw of {@code target/openclaw}, as its own process, with a home of its own laid out as
 * {@code agents/install.sh} does.
 */
final class RealGateway implements AutoCloseable {
    private static final Path INSTALLED = Path.of("target/openclaw").toAbsolutePath();
    /** Ours: 7 to 14 s on an idle machine (measured), and CI's are not idle. */
    private static final Duration BOOT = Duration.ofSeconds(180);

    private static final Duration STOP = Duration.ofSeconds(20);

    private final Path home;
    private final Path log;
    private final int port;
    private final String hookToken;
    private final String operatorToken;
    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private Process process;

    /**
     * A gateway that is not started yet.
     *
     * @param home its OpenClaw home, a directory of the test
     * @param name names its log in {@code target/real-gateway}
     * @param hookToken the token of its hooks
     * @param operatorToken its own token
     */
    RealGateway(Path home, String name, String hookToken, String operatorToken) {
        this.home = home.toAbsolutePath();
        this.log = Path.of("target/real-gateway", name + ".log").toAbsolutePath();
        this.hookToken = hookToken;
        this.operatorToken = operatorToken;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
            Files.createDirectories(log.getParent());
            Files.deleteIfExists(log);
            Files.deleteIfExists(Path.of(log + ".json"));
        } catch (IOException e) {
            throw new IllegalStateException("no place for the gateway", e);
        }
    }

    /** Its address. */
    String url() {
        return "http://127.0.0.1:" + port;
    }

    /** Where its output goes. */
    Path log() {
        return log;
    }

    /**
     * Lays out the home: workspaces, plugin, the fleet's configuration, and beside it what is the user's own: port and models.
     *
     * @param busUrl the bus
     * @param model the models' baseUrl
     * @param reportToken the token by which the plugin reports
     */
    void layOut(String busUrl, String model, String reportToken) throws IOException, InterruptedException {
        Files.createDirectories(home.resolve("secrets"));
        Files.writeString(home.resolve("secrets/report-token"), reportToken + "\n");
        ObjectNode own = Json.object().put("$include", "./openclaw.json.agentbus-new");
        own.putObject("gateway").put("port", port);
        // Else it goes to a directory that all gateways of the machine share.
        own.putObject("logging").put("file", log + ".json");
        own.putObject("agents").putObject("defaults").putObject("model").put("primary", "scripted/scripted");
        ObjectNode models = own.putObject("models").put("mode", "replace");
        ObjectNode provider = models.putObject("providers").putObject("scripted");
        provider.put("baseUrl", model).put("apiKey", "none").put("api", "openai-completions");
        ObjectNode scripted = provider.putArray("models").addObject();
        scripted.put("id", "scripted").put("name", "Scripted").put("reasoning", false);
        scripted.put("contextWindow", 128000)
                .put("maxTokens", 4096)
                .putArray("input")
                .add("text");
        Files.writeString(home.resolve("openclaw.json"), own.toPrettyString());
        install(busUrl);
    }

    /** Starts it and waits until it takes work. */
    void start() {
        ProcessBuilder builder = new ProcessBuilder(
                        INSTALLED.resolve("node").toString(),
                        INSTALLED.resolve("node_modules/openclaw/openclaw.mjs").toString(),
                        "gateway")
                .directory(home.toFile())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
        Map<String, String> environment = builder.environment();
        environment.keySet().removeIf(name -> name.startsWith("OPENCLAW_") || name.startsWith("AGENTBUS_"));
        environment.put("HOME", home.toString());
        environment.put("OPENCLAW_STATE_DIR", home.toString());
        environment.put("OPENCLAW_CONFIG_PATH", home.resolve("openclaw.json").toString());
        environment.put("OPENCLAW_GATEWAY_TOKEN", operatorToken);
        environment.put("AGENTBUS_HOOK_TOKEN", hookToken);
        for (String quiet : List.of("NO_AUTO_UPDATE", "OFFLINE", "DISABLE_BONJOUR", "NO_RESPAWN")) {
            environment.put("OPENCLAW_" + quiet, "1");
        }
        try {
            process = builder.start();
        } catch (IOException e) {
            throw new IllegalStateException("the gateway does not start; run ./mvnw verify -Preal-gateway", e);
        }
        Awaitility.await("the gateway is ready, see " + log).atMost(BOOT).until(this::ready);
    }

    /** Whether it takes work. */
    private boolean ready() throws InterruptedException {
        if (!process.isAlive()) {
            throw new IllegalStateException("the gateway has ended with " + process.exitValue() + ", see " + log);
        }
        try {
            HttpRequest request = HttpRequest.newBuilder(URI.create(url() + "/readyz"))
                    .timeout(Duration.ofSeconds(5))
                    .build();
            return client.send(request, HttpResponse.BodyHandlers.discarding()).statusCode() == 200;
        } catch (IOException e) {
            return false;
        }
    }

    /** Ends it as a crash does, and what it has started with it. */
    void kill() {
        List<ProcessHandle> children = process.descendants().toList();
        process.destroyForcibly();
        children.forEach(ProcessHandle::destroyForcibly);
        process.onExit().orTimeout(STOP.toSeconds(), TimeUnit.SECONDS).join();
    }

    /** What docs/guide/connect-openclaw.md tells somebody to do who has an openclaw.json already. */
    private void install(String busUrl) throws IOException, InterruptedException {
        Path output = log.resolveSibling("install.log");
        Process run = new ProcessBuilder("agents/install.sh", "--openclaw-home", home.toString(), "--bus", busUrl)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        if (run.waitFor() != 0) {
            throw new IllegalStateException("install.sh failed: " + Files.readString(output));
        }
    }

    @Override
    public void close() {
        if (process != null && process.isAlive()) {
            kill();
        }
    }
}
