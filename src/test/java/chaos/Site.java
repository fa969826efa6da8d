package chaos;

import agentbus.demo.TestGateway;
import agentbus.demo.TestGatewayOptions;
import agentbus.harness.TestBus;
import agentbus.start.BusProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.springframework.jdbc.core.JdbcTemplate;

/**
 * The system under test: a Postgres, a gateway with its agents, and nodes of the bus in processes of their own. Each node has
 * a {@link Link} of its own to the database, and one link leads callers to the nodes. Settings are the defaults except those
 * in {@link #settings}.
 */
final class Site implements AutoCloseable {
    static final List<String> AGENTS = List.of("alpha", "beta", "gamma", "delta");
    /** The default lease of a claim in milliseconds, without a heartbeat: recovery depends on it. */
    static final int LEASE_MS = 12_000;

    private static final int ROOM = 10;
    /** Chosen: below the default of 20 s, so that a late answer is given up within the test's time. */
    private static final int ANSWER_TIMEOUT_MS = 3000;

    /** One node: its process, its way to the database, its port. */
    record Node(String name, BusProcess process, Link database, int port) {}

    private final Path home;
    private final ChaosServer server;
    private final Workers workers = new Workers();
    private final TestGateway gateway;
    private final Link door = new Link();
    private final Map<String, Node> nodes = new TreeMap<>();
    private final double perSecond;

    /**
     * Starts database and gateway, and no node yet.
     *
     * @param home a directory of the test
     * @param data where the database keeps its data
     * @param perSecond how many jobs a second the load asks for
     */
    Site(Path home, Path data, double perSecond) {
        this.home = home;
        this.perSecond = perSecond;
        server = new ChaosServer(data);
        AGENTS.forEach(this::writeAgent);
        writeAgent(Workers.SLEEPER);
        Set<String> names = new java.util.HashSet<>(AGENTS);
        names.add(Workers.SLEEPER);
        gateway = new TestGateway(
                TestGatewayOptions.defaults(TestBus.HOOK_TOKEN)
                        .withAgents(names)
                        .withLedgerEntries(1_000_000),
                workers);
    }

    ChaosServer server() {
        return server;
    }

    JdbcTemplate jdbc() {
        return server.jdbc();
    }

    TestGateway gateway() {
        return gateway;
    }

    Workers workers() {
        return workers;
    }

    Node node(String name) {
        return nodes.get(name);
    }

    /** Starts a node of this build. */
    Node start(String name) {
        return start(name, System.getProperty("java.class.path"), Map.of());
    }

    /** Starts a node of another build, or in another environment; returns when it says that it runs. */
    Node start(String name, String classPath, Map<String, String> environment) {
        Link database = new Link(server.port());
        int port = freePort();
        try {
            BusProcess process = BusProcess.start(home, settings(database, port), classPath, environment);
            Node node = new Node(name, process, database, port);
            nodes.put(name, node);
            door.add(port);
            return node;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Map<String, String> settings(Link database, int port) {
        return Map.of(
                "agentbus.database.url",
                "postgresql://postgres@127.0.0.1:" + database.port() + "/postgres",
                "agentbus.http.port",
                Integer.toString(port),
                "agentbus.http.public-url",
                "http://127.0.0.1:" + door.port(),
                "agentbus.agents.dir",
                home.resolve("agents").toString(),
                // The standing orders of the program name agents that are not here.
                "agentbus.orders.enabled",
                "false",
                "agentbus.gateway.url",
                "http://127.0.0.1:" + gateway.url().getPort(),
                "agentbus.gateway.token",
                TestBus.HOOK_TOKEN,
                "agentbus.gateway.answer-timeout-ms",
                Integer.toString(ANSWER_TIMEOUT_MS));
    }

    /** Ends a node's process at once, as {@code kill -9} does. */
    void kill(String name) {
        Node node = nodes.remove(name);
        door.remove(node.port());
        try {
            node.process().signal("KILL");
            node.process().awaitEnd(Duration.ofSeconds(30));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        } finally {
            node.process().close();
            node.database().close();
        }
    }

    /** The id under which a node dispatches. */
    String dispatcherId(String name) {
        return jdbc().queryForObject(
                        "select dispatcher_id from dispatcher_heartbeats where pid = ? order by created_at desc limit 1",
                        String.class,
                        nodes.get(name).process().pid());
    }

    /** A steady load under a name of its own. */
    Load load(String name) {
        try {
            String token = Files.readString(home.resolve("data/operator.token")).strip();
            return new Load(URI.create("http://127.0.0.1:" + door.port()), token, name, perSecond, AGENTS);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void writeAgent(String name) {
        Path file = home.resolve("agents").resolve(name).resolve("agent.yaml");
        try {
            Files.createDirectories(file.getParent());
            Files.writeString(
                    file,
                    "id: " + name + "\nmission: Works in the chaos.\nmaxConcurrency: " + ROOM
                            + "\ngateway: default\naccepts: [work]\nmayEnqueueTo: []\nemits: []\nsubscriptions: []\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static int freePort() {
        try (ServerSocket probe = new ServerSocket(0)) {
            return probe.getLocalPort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        nodes.values().forEach(node -> {
            node.process().close();
            node.database().close();
        });
        door.close();
        gateway.close();
        workers.close();
        server.close();
    }
}
