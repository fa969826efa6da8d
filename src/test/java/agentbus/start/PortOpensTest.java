package agentbus.start;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestBus;
import agentbus.harness.TestDatabase;
import agentbus.harness.TestJobs;
import agentbus.settings.Settings;
import agentbus.settings.StartFailure;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiConsumer;
import javax.management.MalformedObjectNameException;
import javax.management.ObjectName;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The port of a starting bus: it opens when all routes run, and no job is dispatched before. */
@ExtendWith(PostgresExtension.class)
class PortOpensTest {
    private static final List<String> DOORS =
            List.of("/v1/jobs", "/v1/gateway/run-ended", "/mcp", "/observe/health/live");

    @TempDir
    Path home;

    private final TestDatabase database;

    PortOpensTest(TestDatabase database) {
        this.database = database;
    }

    @BeforeEach
    void forgetTheServerKey() {
        database.clear();
    }

    @Test
    void no_caller_is_answered_before_the_routes_run() throws Exception {
        int port = freePort();
        AtomicBoolean started = new AtomicBoolean();
        CompletableFuture<Set<String>> answers = CompletableFuture.supplyAsync(() -> ask(port, started));

        try (Bus bus = start(port, Map.of())) {
            started.set(true);

            // Without a token, each door refuses in its own way; a server without routes answers 404.
            assertEquals(
                    Set.of(
                            "/v1/jobs 401 application/problem+json",
                            "/v1/gateway/run-ended 401 application/problem+json",
                            "/mcp 415 application/problem+json",
                            "/observe/health/live 200 application/json"),
                    answers.get(60, TimeUnit.SECONDS));
            assertTrue(bus.url().endsWith(":" + port));
        }
    }

    @Test
    void a_bus_without_hawtio_makes_no_mbeans() throws Exception {
        Set<ObjectName> before = schedulers();
        try (Bus bus = start(freePort(), Map.of())) {
            assertNull(bus.camel().getManagementStrategy().getManagementAgent());
            assertEquals(before, schedulers());
        }
    }

    @Test
    void a_bus_whose_port_is_taken_meanwhile_ends_without_dispatching() throws IOException {
        int port = freePort();
        start(port, Map.of()).close();
        UUID job = new TestJobs(database.jdbc()).enqueue("devops", "{\"subject\":\"infra.check\"}");
        try (ServerSocket taken = new ServerSocket()) {
            String told = assertThrows(StartFailure.class, () -> start(port, new Taker(taken, port)))
                    .getMessage();

            assertEquals(
                    "cannot listen on 127.0.0.1:" + port + ": Address already in use; stop what uses the port, or set"
                            + " agentbus.http.port (AGENTBUS_HTTP_PORT) to another",
                    told);
            assertEquals(List.of(), new TestJobs(database.jdbc()).attempts(job));
            await().atMost(Duration.ofSeconds(60))
                    .until(() -> database.jdbc()
                                    .queryForObject(
                                            "select count(*) from pg_stat_activity where datname = current_database()"
                                                    + " and application_name like 'agentbus%'",
                                            Integer.class)
                            == 0);
        }
    }

    private Bus start(int port, Map<String, Object> beans) {
        Map<String, String> all = TestBus.settings(
                database.url(),
                null,
                "agentbus.http.port",
                String.valueOf(port),
                "agentbus.gateway.token",
                TestBus.HOOK_TOKEN,
                "agentbus.gateway.url",
                "http://127.0.0.1:9",
                // Many sweeps fit between the start of the routes and the failure.
                "agentbus.dispatch.sweep-ms",
                "50");
        // As shipped: the other tests count exchanges with Camel's MBeans.
        all.remove("camel.main.jmxEnabled");
        return Bus.start(Settings.load(home, Map.of(), all), Map.of(), List.of(), beans);
    }

    private static Set<ObjectName> schedulers() throws MalformedObjectNameException {
        return ManagementFactory.getPlatformMBeanServer().queryNames(new ObjectName("quartz:*"), null);
    }

    private static int freePort() throws IOException {
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            return free.getLocalPort();
        }
    }

    /** Asks every door again and again, until a round that began after the start; returns all different answers. */
    private static Set<String> ask(int port, AtomicBoolean started) {
        HttpClient client =
                HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        Set<String> answers = new TreeSet<>();
        boolean last;
        do {
            last = started.get();
            for (String door : DOORS) {
                HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + door));
                if (door.endsWith("run-ended") || door.equals("/mcp")) {
                    request.POST(BodyPublishers.ofString("{}"));
                }
                try {
                    HttpResponse<String> answer = client.send(request.build(), BodyHandlers.ofString());
                    answers.add(door + " " + answer.statusCode() + " "
                            + answer.headers().firstValue("Content-Type").orElse("none"));
                } catch (ConnectException closed) {
                    Thread.onSpinWait();
                } catch (IOException broken) {
                    answers.add(door + " " + broken.getMessage());
                } catch (InterruptedException stopped) {
                    throw new IllegalStateException(stopped);
                }
            }
        } while (!last);
        return answers;
    }

    /** Beans that nobody needs; when the start binds them, after its look at the port, the port is taken. */
    private static final class Taker extends HashMap<String, Object> {
        private static final long serialVersionUID = 1L;
        private final transient ServerSocket socket;
        private final int port;

        Taker(ServerSocket socket, int port) {
            this.socket = socket;
            this.port = port;
        }

        @Override
        public void forEach(BiConsumer<? super String, ? super Object> action) {
            try {
                socket.bind(new InetSocketAddress("127.0.0.1", port));
            } catch (IOException notFree) {
                throw new UncheckedIOException(notFree);
            }
        }
    }
}
