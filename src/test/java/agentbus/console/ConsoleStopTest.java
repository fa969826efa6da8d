package agentbus.console;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.Door;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Buses with other settings of the console, and the stop of a bus with an open page. */
@ExtendWith(PostgresExtension.class)
class ConsoleStopTest {
    @BeforeEach
    void empty(TestDatabase database) {
        // Each test has a home, and so a server key, of its own.
        database.clear();
    }

    @Test
    void a_stop_tells_the_open_pages_and_does_not_wait_for_them(TestDatabase database, @TempDir Path home)
            throws Exception {
        Browser.Stream stream;
        long began;
        // The cookie of a bus behind a proxy with https is for https only.
        try (Door door = Door.open(
                database,
                home,
                "agentbus.http.public-url",
                "https://bus.example.org",
                "agentbus.stop.drain-seconds",
                "20")) {
            Browser browser = new Browser(door.bus().bus().url());
            String login = browser.post("/console/session", "{\"token\":\"" + door.operator() + "\"}")
                    .header("Set-Cookie");
            assertTrue(login.contains("Secure;"), login);
            stream = browser.cookie(login.split(";")[0]).stream();
            assertTrue(stream.until("change").contains("change " + ConsoleStreams.EVERYTHING));
            began = System.nanoTime();
        }

        List<String> last = stream.until("end");
        assertEquals(List.of("stopping", "end"), last.subList(last.size() - 2, last.size()));
        // Far less than the time that calls under way are given.
        assertTrue(System.nanoTime() - began < Duration.ofSeconds(10).toNanos());
    }

    @Test
    void a_bus_without_the_console_knows_neither_its_paths_nor_its_cookie(TestDatabase database, @TempDir Path home)
            throws Exception {
        String cookie;
        try (Door door = Door.open(database, home)) {
            cookie = new Browser(door.bus().bus().url()).login(door.operator()).cookie();
        }
        try (Door door = Door.open(database, home, "agentbus.console.enabled", "false")) {
            Browser browser = new Browser(door.bus().bus().url()).cookie(cookie);
            for (String path : new String[] {"/", "/console/jobs", "/console/events", "/console/session"}) {
                Door.assertProblem(browser.get(path), 404, "no_such_operation");
            }
            Door.assertProblem(browser.get("/v1/jobs"), 401, "missing_token");
            assertTrue(door.bus().bus().console().startsWith("off"));
        }
    }
}
