package agentbus.bench;

import agentbus.fleet.AgentFiles;
import agentbus.settings.OperatorTokenFile;
import agentbus.settings.Settings;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The equipment of a bench: a database, and a gateway and a bus in separate processes. */
final class Rig implements AutoCloseable {
    private static final String HOOK_TOKEN = "hook-token-of-the-bench";

    private final Class<?> program;
    private final Path home;
    private final Path directory;
    private final BenchOptions options;
    private final BenchDatabase database;
    private final Child gateway;
    private final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final Map<String, String> settings = new LinkedHashMap<>();
    private final List<Child> buses = new ArrayList<>();

    private Rig(
            Class<?> program, Path home, Path directory, BenchOptions options, BenchDatabase database, Child gateway) {
        this.program = program;
        this.home = home;
        this.directory = directory;
        this.options = options;
        this.database = database;
        this.gateway = gateway;
    }

    /**
     * Makes the database and starts the gateway; the bus is not started yet.
     *
     * @param program the class whose {@code main} is {@code agentbus}
     * @param home the installation's directory
     * @param directory an empty directory for data and logs
     * @param options the bench's options
     * @param environment may hold DATABASE_URL
     * @return the rig, to be closed
     */
    static Rig build(
            Class<?> program, Path home, Path directory, BenchOptions options, Map<String, String> environment) {
        BenchDatabase database = BenchDatabase.create(home, directory, environment);
        try {
            Path own = AgentFiles.of(Settings.load(home, environment, Map.of())).directory();
            writeAgents(own, directory.resolve("agents"), options);
            Child gateway = Child.start(
                    // A small heap and one collector thread, because the gateway shares the processors with the bus.
                    List.of("-Xmx256m", "-XX:+UseSerialGC"),
                    ClosingGateway.class,
                    List.of(),
                    Map.of(),
                    directory.resolve("gateway.log"),
                    line -> line.matches("\\d+"));
            return new Rig(program, home, directory, options, database, gateway);
        } catch (RuntimeException failed) {
            database.close();
            throw failed;
        }
    }

    /** Writes the installation's agents, which its standing orders need, and the agents of the bench. */
    private static void writeAgents(Path own, Path agents, BenchOptions options) {
        try (Stream<Path> files = Files.isDirectory(own) ? Files.walk(own) : Stream.empty()) {
            for (Path file : files.filter(file -> file.endsWith("agent.yaml")).toList()) {
                Path copy = agents.resolve(own.relativize(file));
                Files.createDirectories(copy.getParent());
                Files.copy(file, copy);
            }
            for (int n = 1; n <= options.get(BenchNumber.AGENTS); n++) {
                Path folder = Files.createDirectories(agents.resolve("bench-" + n));
                Files.writeString(
                        folder.resolve("agent.yaml"),
                        "id: bench-" + n + "\nmission: Closes what it is given.\nmaxConcurrency: "
                                + options.perAgent()
                                + "\naccepts: [bench.work]\n");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Starts the bus and waits until it says that it runs.
     *
     * @param more settings besides the rig's own
     */
    void startBus(Map<String, String> more) {
        startBuses(1, more);
    }

    /**
     * Starts several nodes of the bus, one after the other. The agents close their jobs at each node in turn.
     *
     * @param nodes how many
     * @param more settings besides the rig's own
     */
    void startBuses(int nodes, Map<String, String> more) {
        // The nodes share the directory, because they need the same key.
        set(directory.resolve("bus"), more);
        Map<String, String> access = Map.of(
                "DATABASE_URL", database.access().get("agentbus.database.url"),
                "AGENTBUS_DATABASE_USER", database.access().get("agentbus.database.user"),
                "AGENTBUS_DATABASE_PASSWORD", database.access().get("agentbus.database.password"));
        for (int node = 1; node <= nodes; node++) {
            buses.add(startNode(node == 1 ? "bus" : "bus-" + node, access));
        }
        call("POST", gatewayUrl("/bench/bus"), buses.stream().map(Rig::url).collect(Collectors.joining("\n")), null);
    }

    /**
     * Starts the bus with a Postgres of its own and waits until it says that it runs. The bench's directory is its home,
     * so that no file of the installation names another database.
     *
     * @param data the directory for its data; it makes a new database if there is none in it
     * @param more settings besides the rig's own
     */
    void startBusOfItsOwn(Path data, Map<String, String> more) {
        set(data, more);
        settings.putAll(BenchDatabase.programs(home, directory));
        buses.add(startNode("bus", Map.of("AGENTBUS_HOME", directory.toString())));
    }

    /**
     * Stops that bus, and its Postgres if the bus was killed and has left it.
     *
     * @param data the directory for its data
     */
    void stopBusOfItsOwn(Path data) {
        stopBus();
        Map<String, String> own = new HashMap<>(BenchDatabase.programs(home, directory));
        own.put("agentbus.data.dir", data.toString());
        BenchDatabase.stopServer(Settings.load(directory, Map.of(), own));
    }

    private void set(Path data, Map<String, String> more) {
        settings.clear();
        settings.put("agentbus.data.dir", data.toString());
        settings.put("agentbus.agents.dir", directory.resolve("agents").toString());
        settings.put("agentbus.http.port", "0");
        settings.put("agentbus.gateway.url", "http://127.0.0.1:" + gateway.greeting());
        settings.put("agentbus.gateway.max-in-flight", Integer.toString(options.get(BenchNumber.IN_FLIGHT)));
        settings.putAll(more);
        settings.putAll(options.settings);
    }

    private Child startNode(String name, Map<String, String> more) {
        List<String> arguments = new ArrayList<>(List.of(program.getName(), "run"));
        settings.forEach((key, value) -> arguments.addAll(List.of("--set", key + "=" + value)));
        Map<String, String> environment = new HashMap<>();
        environment.put("AGENTBUS_HOME", home.toString());
        environment.put("AGENTBUS_GATEWAY_TOKEN", HOOK_TOKEN);
        environment.putAll(more);
        return Child.start(
                serverOptions(),
                BusMain.class,
                arguments,
                environment,
                directory.resolve(name + ".log"),
                line -> line.startsWith("agentbus runs at "));
    }

    /** The options that the launcher gives a server. */
    static List<String> serverOptions() {
        return List.of(System.getProperty("agentbus.server-options", "-XX:+ExitOnOutOfMemoryError")
                .strip()
                .split("\\s+"));
    }

    /** Stops the bus, with all its nodes, in order. */
    void stopBus() {
        buses.forEach(Child::close);
        buses.clear();
    }

    /** Sets the gateway's counts to zero. */
    void resetGateway() {
        call("POST", gatewayUrl("/bench/reset"), "", null);
    }

    /** The counts of the gateway. */
    JsonNode report() {
        return call("GET", gatewayUrl("/bench/report"), "", null);
    }

    /** The bus's URL; that of the first node if there are several. */
    String busUrl() {
        return url(bus());
    }

    private static String url(Child bus) {
        return bus.greeting().split(" ")[3];
    }

    /** The bus's process; the first node if there are several. */
    Child bus() {
        return buses.get(0);
    }

    /** The token of the first operator, which the bus created at its start. */
    String operatorToken() {
        return OperatorTokenFile.find(directory.resolve("bus")).orElseThrow().token();
    }

    /** Statements in the database. */
    BenchSql sql() {
        return database.sql();
    }

    /** The database. */
    BenchDatabase database() {
        return database;
    }

    /** The directory for data and logs. */
    Path directory() {
        return directory;
    }

    /** The bench's options. */
    BenchOptions options() {
        return options;
    }

    /** The settings of the bus that differ from the defaults, as a result states them. */
    Map<String, String> settings() {
        Map<String, String> told = new LinkedHashMap<>(settings);
        told.keySet()
                .removeAll(Set.of(
                        "agentbus.data.dir",
                        "agentbus.agents.dir",
                        "agentbus.database.embedded-binaries-dir",
                        "agentbus.http.port",
                        "agentbus.gateway.url"));
        return told;
    }

    /** The processor times so far, with those of all nodes of the bus. */
    CpuTime cpu() {
        return cpu(buses.stream().map(Child::handle).toList());
    }

    /**
     * The processor times so far.
     *
     * @param workers the processes that work the jobs off
     */
    CpuTime cpu(List<ProcessHandle> workers) {
        Map<String, Object> server = database.server();
        boolean here = database.database().host().equals("127.0.0.1")
                || database.database().host().equals("localhost");
        Optional<ProcessHandle> backend =
                here ? ProcessHandle.of(((Number) server.get("backend")).longValue()) : Optional.empty();
        return CpuTime.now(workers, gateway.handle(), backend);
    }

    /** Calls the bus or the gateway. */
    JsonNode call(String method, String url, String body, String token) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url))
                .header("Content-Type", "application/json")
                .method(method, HttpRequest.BodyPublishers.ofString(body));
        if (token != null) {
            request.header("Authorization", "Bearer " + token);
        }
        try {
            HttpResponse<String> answer = http.send(request.build(), HttpResponse.BodyHandlers.ofString());
            if (answer.statusCode() != 200) {
                throw new BenchFailure(url + " answered " + answer.statusCode() + ": " + answer.body());
            }
            return Json.read(answer.body());
        } catch (IOException broken) {
            throw new BenchFailure(url + " does not answer: " + broken.getMessage(), broken);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BenchFailure("interrupted", e);
        }
    }

    /**
     * The gateway's URL.
     *
     * @param path with a slash in front
     */
    String gatewayUrl(String path) {
        return "http://127.0.0.1:" + gateway.greeting() + path;
    }

    @Override
    public void close() {
        stopBus();
        gateway.close();
        database.close();
    }
}
