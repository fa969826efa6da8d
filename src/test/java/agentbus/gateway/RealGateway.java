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
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;

/** The OpenClaw of {@code target/openclaw} in a process of its own. {@code agents/install.sh} sets up its home. */
final class RealGateway implements AutoCloseable {
    private static final Path INSTALLED = Path.of("target/openclaw").toAbsolutePath();
    /** Chosen: a start takes 7 to 14 s on an idle machine (measured), and CI machines are busy. */
    private static final Duration BOOT = Duration.ofSeconds(180);

    private static final Duration STOP = Duration.ofSeconds(20);
    /**
     * Chosen: on a machine with ten times as much work as processors OpenClaw ends itself during its start, because a
     * lease of its own database is not ready within 5 s (measured on OpenClaw 2026.9.6); services start it again, too.
     */
    private static final int STARTS = 3;

    private final Path home;
    private final Path log;
    private final int port;
    private final String hookToken;
    private final String operatorToken;
    /** More variables of the gateway's environment, by name. */
    private final Map<String, String> variables = new HashMap<>();

    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private Process process;
    private int starts;

    /**
     * A gateway, not yet started.
     *
     * @param home the gateway's state directory, a directory of the test
     * @param name the name of its log in {@code target/real-gateway}
     * @param hookToken the token of its hooks
     * @param operatorToken its operator token
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

    /** The file of its output. */
    Path log() {
        return log;
    }

    /**
     * Sets up the home: workspaces, plugin, the fleet's configuration, and the user's own keys (port and models).
     *
     * @param busUrl the address of the bus
     * @param model the models' baseUrl
     * @param reportToken the token of the plugin's reports
     */
    void layOut(String busUrl, String model, String reportToken) throws IOException, InterruptedException {
        Files.createDirectories(home.resolve("secrets"));
        Files.writeString(home.resolve("secrets/report-token"), reportToken + "\n");
        ObjectNode own = Json.object().put("$include", "./openclaw.json.agentbus-new");
        own.putObject("gateway").put("port", port);
        // The default directory is common to all gateways of the machine.
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
        variables.put("OPENCLAW_GATEWAY_TOKEN", operatorToken);
        variables.put("AGENTBUS_HOOK_TOKEN", hookToken);
    }

    /** The port of the gateway. */
    int port() {
        return port;
    }

    /**
     * Gives the gateway, and the commands of {@link #openclaw}, a variable in their environment.
     *
     * @param name its name
     * @param value its value
     */
    void variable(String name, String value) {
        variables.put(name, value);
    }

    /**
     * Runs a command of OpenClaw, as the gateway's user does in a shell.
     *
     * @param arguments the command and its arguments
     * @return its standard output
     */
    String openclaw(String... arguments) throws IOException, InterruptedException {
        Path said = log.resolveSibling(log.getFileName() + ".cli");
        Process run = builder(arguments).redirectError(said.toFile()).start();
        String out = new String(run.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (run.waitFor() != 0) {
            throw new IllegalStateException(String.join(" ", arguments) + " ended with " + run.exitValue() + ":\n" + out
                    + Files.readString(said));
        }
        return out;
    }

    private ProcessBuilder builder(String... arguments) {
        List<String> command = new ArrayList<>(List.of(
                INSTALLED.resolve("node").toString(),
                INSTALLED.resolve("node_modules/openclaw/openclaw.mjs").toString()));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command).directory(home.toFile());
        Map<String, String> environment = builder.environment();
        environment.keySet().removeIf(name -> name.startsWith("OPENCLAW_") || name.startsWith("AGENTBUS_"));
        environment.put("HOME", home.toString());
        environment.put("OPENCLAW_STATE_DIR", home.toString());
        environment.put("OPENCLAW_CONFIG_PATH", home.resolve("openclaw.json").toString());
        for (String quiet : List.of("NO_AUTO_UPDATE", "OFFLINE", "DISABLE_BONJOUR", "NO_RESPAWN")) {
            environment.put("OPENCLAW_" + quiet, "1");
        }
        environment.putAll(variables);
        return builder;
    }

    /** Starts the gateway and waits until it is ready. */
    void start() {
        starts = 0;
        begin();
        Awaitility.await("the gateway is ready, see " + log).atMost(BOOT).until(this::ready);
    }

    private void begin() {
        starts++;
        try {
            process = builder("gateway")
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                    .start();
        } catch (IOException e) {
            throw new IllegalStateException("the gateway does not start; run ./mvnw verify -Preal-gateway", e);
        }
    }

    /** Whether it is ready. */
    private boolean ready() throws InterruptedException {
        if (!process.isAlive() && starts < STARTS) {
            begin();
            return false;
        }
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

    /** Kills the gateway and its child processes, as a crash does. */
    void kill() {
        List<ProcessHandle> children = process.descendants().toList();
        process.destroyForcibly();
        children.forEach(ProcessHandle::destroyForcibly);
        process.onExit().orTimeout(STOP.toSeconds(), TimeUnit.SECONDS).join();
    }

    /** Follows docs/guide/connect-openclaw.md for users with an openclaw.json of their own. */
    private void install(String busUrl) throws IOException, InterruptedException {
        String said = installer("--bus", busUrl);
        if (!said.startsWith("0 ")) {
            throw new IllegalStateException("install.sh failed: " + said);
        }
    }

    /**
     * Runs agents/install.sh for this gateway's home.
     *
     * @param options further options
     * @return its exit status, a blank, and everything that it has said
     */
    String installer(String... options) throws IOException, InterruptedException {
        Path output = log.resolveSibling("install.log");
        List<String> command = new ArrayList<>(List.of("agents/install.sh", "--openclaw-home", home.toString()));
        command.addAll(List.of(options));
        Process run = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        return run.waitFor() + " " + Files.readString(output);
    }

    @Override
    public void close() {
        if (process != null && process.isAlive()) {
            kill();
        }
    }
}
