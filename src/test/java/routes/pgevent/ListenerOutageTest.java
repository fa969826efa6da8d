package routes.pgevent;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.sql.DataSource;
import org.apache.camel.health.HealthCheck;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

class ListenerOutageTest {
    /** {@code -Pgrowth} has the half minute that a restart of a database takes. */
    private static final Duration OUTAGE = Duration.ofSeconds(Integer.getInteger("outage.seconds", 6));

    private static final Logger LOG = LoggerFactory.getLogger(ListenerOutageTest.class);

    @TempDir
    Path directory;

    private Server server;

    @BeforeEach
    void startServer() {
        server = new Server(directory.resolve("data"));
    }

    @AfterEach
    void stopServer() {
        server.close();
    }

    @Test
    void a_server_that_was_down_is_heard_again_when_it_is_back() throws Exception {
        try (Ear ear = Ear.at(server.address(), "jobs_ready")) {
            await().until(ear::connected);
            server.stop();
            await().until(() -> !ear.connected());
            await().during(OUTAGE).atMost(OUTAGE.plusSeconds(30)).until(() -> !ear.connected());
            assertEquals(HealthCheck.State.DOWN, ear.readiness().getState());
            String message = ear.readiness().getMessage().orElseThrow();
            assertFalse(message.contains("not-asked-for"), message);

            server.start();
            long up = System.nanoTime();
            await().pollInterval(Duration.ofMillis(10)).until(ear::connected);
            LOG.info("Heard again {} ms after the server was up", (System.nanoTime() - up) / 1_000_000);
            assertEquals(HealthCheck.State.UP, ear.readiness().getState());
            await().until(() -> ear.resyncs.get() == 2);
            server.notify("jobs_ready", "back");
            await().until(() -> ear.payloads.equals(List.of("jobs_ready:back")));
            assertEquals(1, server.listenerPids().size());
        }
    }

    @Test
    void a_context_starts_without_its_database_and_listens_when_it_comes() throws Exception {
        server.stop();
        try (Ear ear = Ear.at(server.address(), "jobs_ready")) {
            assertTrue(ear.context.isStarted());
            await().until(() -> ear.status().lastError() != null);
            HealthCheck.Result down = ear.readiness();
            assertEquals(HealthCheck.State.DOWN, down.getState());
            assertTrue(down.getMessage().orElseThrow().contains("jobs_ready"));

            server.start();
            await().until(ear::connected);
            await().until(() -> ear.resyncs.get() == 1);
            assertEquals(1, server.listenerPids().size());
        }
        await().until(() -> server.listenerPids().isEmpty());
        await().atMost(Duration.ofSeconds(60)).until(() -> Ear.threads() == 0);
    }

    @Test
    void a_server_that_accepts_and_says_nothing_is_given_up_and_asked_again() throws Exception {
        ListenTimes quick = new ListenTimes(
                Duration.ofMillis(300),
                Duration.ofSeconds(3),
                Duration.ofSeconds(1),
                Duration.ofMillis(50),
                Duration.ofMillis(50));
        List<Socket> accepted = new CopyOnWriteArrayList<>();
        try (ServerSocket mute = new ServerSocket(0)) {
            Thread door = new Thread(() -> acceptAll(mute, accepted), "mute server");
            door.start();
            DataSource address = Server.address(mute.getLocalPort(), "postgres", "");
            try (Ear ear = new Ear(new SupervisedPgEventComponent(address, quick), "pgevent:jobs_ready")) {
                await().until(() -> String.valueOf(ear.status().lastError()).contains("took longer than 300 ms"));
                await().until(() -> String.valueOf(ear.status().lastError()).contains("earlier attempts"));
                assertEquals(4, accepted.size());
                assertEquals(0, ear.status().connects());
                long before = System.nanoTime();
                ear.context.stop();
                LOG.info("Stopped within {} ms", (System.nanoTime() - before) / 1_000_000);
            }
            for (Socket socket : accepted) {
                socket.close();
            }
        }
        await().atMost(Duration.ofSeconds(60)).until(() -> Ear.threads() == 0);
    }

    private static void acceptAll(ServerSocket door, List<Socket> accepted) {
        try {
            while (true) {
                accepted.add(door.accept());
            }
        } catch (IOException e) {
            LOG.debug("The mute server is closed");
        }
    }
}
