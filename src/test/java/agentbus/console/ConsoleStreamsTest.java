package agentbus.console;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.Door;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The live streams of the console on a real bus. */
@ExtendWith(PostgresExtension.class)
class ConsoleStreamsTest {
    /** What readAgain of reads.js takes for every kind, as no list of kinds that a later lane could forget. */
    private static final String ALL = "change all";

    private static Door door;
    private static ConsoleStreams streams;
    private static ConsoleWatch watch;
    private final List<Browser.Stream> opened = new ArrayList<>();

    @BeforeAll
    static void open(TestDatabase database, @TempDir Path home) throws IOException {
        door = Door.open(database, home, "agentbus.console.max-streams", "6");
        database.jdbc().update("insert into namespaces (namespace) values ('elsewhere')");
        streams = bean("consoleStreams", ConsoleStreams.class);
        watch = bean("consoleWatch", ConsoleWatch.class);
    }

    private static <T> T bean(String name, Class<T> type) {
        return door.bus().bus().camel().getRegistry().lookupByNameAndType(name, type);
    }

    @AfterAll
    static void close() {
        door.close();
    }

    @AfterEach
    void closeStreams() {
        opened.forEach(Browser.Stream::close);
        await().until(() -> streams.count() == 0);
    }

    private static Browser browser() {
        return new Browser(door.bus().bus().url()).login(door.operator());
    }

    private Browser.Stream stream(Browser browser) {
        Browser.Stream stream = browser.stream();
        opened.add(stream);
        return stream;
    }

    /** A stream that has begun and got its first event. */
    private Browser.Stream begun(Browser browser) {
        Browser.Stream stream = stream(browser);
        assertEquals(200, stream.status());
        // A beat may come first, because its pace is that of a timer.
        List<String> first = stream.until("change");
        assertEquals(ALL, first.get(first.size() - 1));
        return stream;
    }

    @Test
    void a_new_stream_is_told_to_read_everything_and_then_only_of_changes() {
        Browser.Stream stream = begun(browser());
        assertEquals("text/event-stream; charset=utf-8", stream.header("Content-Type"));
        assertEquals("no-store", stream.header("Cache-Control"));
        assertEquals("no", stream.header("X-Accel-Buffering"));

        long before = System.nanoTime();
        door.post("/v1/events", "{\"topic\":\"a.fact\"}");
        assertEquals("change events", change(stream));
        // Half a second between two looks; the rest is for a busy machine.
        assertTrue(System.nanoTime() - before < Duration.ofSeconds(5).toNanos());

        door.job();
        assertEquals("change agents,audit,events,jobs", change(stream));
        door.post("/v1/agents/worker/pause", "{\"reason\":\"test\"}");
        String paused = change(stream);
        assertTrue(paused.startsWith("change agents,audit"), paused);
        door.post("/v1/agents/worker/resume", null);
        String resumed = change(stream);
        assertTrue(resumed.startsWith("change agents,audit"), resumed);
    }

    /** The next change; beats are left out. */
    private static String change(Browser.Stream stream) {
        List<String> read = stream.until("change");
        return read.get(read.size() - 1);
    }

    private static Browser viewer(String name, String query) {
        String token = door.post("/v1/viewers/" + name + "/token" + query, "{\"reason\":\"test\"}")
                .json()
                .path("token")
                .asText();
        return new Browser(door.bus().bus().url()).login(token);
    }

    @Test
    void a_stream_hears_only_of_the_namespaces_of_its_token() {
        Browser.Stream stream = begun(viewer("bound", "?namespace=default"));

        door.database()
                .jdbc()
                .update("insert into audit_log (namespace, actor, action, table_name, row_id)"
                        + " values ('elsewhere', 'test', 'x.changed', 'gateways', 'g')");
        door.database()
                .jdbc()
                .update("insert into audit_log (namespace, actor, action, table_name, row_id)"
                        + " values ('default', 'test', 'x.changed', 'standing_orders', 'o')");

        assertEquals("change audit,orders", change(stream));
    }

    @Test
    void a_beat_says_that_the_bus_has_asked_its_database() {
        Browser.Stream stream = begun(browser());

        watch.check();

        assertTrue(stream.until("beat").contains("beat"));
    }

    @Test
    void a_stream_ends_with_its_session() {
        Browser loggedOut = browser();
        Browser.Stream first = begun(loggedOut);
        loggedOut.call("DELETE", "/console/session", null);
        assertTrue(first.until("end").contains("end"));

        Browser.Stream second = begun(viewer("dora", ""));
        Browser.Stream other = begun(browser());
        door.post("/v1/viewers/dora/revoke", "{\"reason\":\"has left\"}");
        watch.check();
        assertTrue(second.until("end").contains("end"));
        assertTrue(other.until("beat").contains("beat"));
    }

    @Test
    void one_session_has_few_streams_and_a_node_has_a_limit() {
        Browser one = browser();
        for (int i = 0; i < ConsoleStreams.MOST_OF_A_SESSION; i++) {
            begun(one);
        }
        Browser.Stream fifth = stream(one);
        assertEquals(503, fifth.status());
        assertEquals("5", fifth.header("Retry-After"));

        Browser two = browser();
        begun(two);
        begun(two);
        assertEquals(503, stream(two).status());
        assertEquals(
                "agentbus_console_streams 6.0",
                door.call("GET", "/observe/metrics", null, null)
                        .text()
                        .lines()
                        .filter(line -> line.startsWith("agentbus_console_streams"))
                        .findFirst()
                        .orElse(""));
    }

    @Test
    void only_a_page_with_a_session_has_a_stream() {
        Browser foreign = browser();
        assertEquals(401, stream(new Browser(door.bus().bus().url())).status());
        assertEquals(401, stream(browser().session("abs_" + "A".repeat(43))).status());
        Door.assertProblem(
                foreign.send(
                        "GET", "/console/events", null, "Accept", "text/event-stream", "Sec-Fetch-Site", "cross-site"),
                403,
                "cross_site");
        assertEquals(0, streams.count());
    }

    @Test
    void a_reader_that_does_not_read_is_let_go() throws Exception {
        URI url = URI.create(door.bus().bus().url());
        try (Socket socket = new Socket()) {
            socket.setReceiveBufferSize(1024);
            socket.connect(new InetSocketAddress(url.getHost(), url.getPort()));
            socket.getOutputStream()
                    .write(("GET /console/events HTTP/1.1\r\nHost: " + url.getAuthority() + "\r\nCookie: "
                                    + browser().cookie()
                                    + "\r\nSec-Fetch-Site: same-origin\r\nAccept: text/event-stream\r\n\r\n")
                            .getBytes(StandardCharsets.UTF_8));
            await().until(streams::watched);

            await().pollInterval(Duration.ofMillis(5)).until(() -> {
                for (int i = 0; i < 2_000; i++) {
                    streams.beat();
                }
                return streams.count() == 0;
            });
        }
    }

    @Test
    void nothing_is_read_while_nobody_looks() {
        begun(browser());
        assertTrue(streams.since().get("since").toString().contains("snapshot"));
        closeStreams();

        // The next tick of the timer finds no page, and forgets the place of the last look.
        await().until(() -> streams.since().get("since").toString().isEmpty());
    }
}
