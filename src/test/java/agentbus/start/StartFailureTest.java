package agentbus.start;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.LogCapture;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestBus;
import agentbus.harness.TestDatabase;
import agentbus.settings.Settings;
import agentbus.settings.StartFailure;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever keeps a bus from starting is one line, and nothing is left behind. */
@ExtendWith(PostgresExtension.class)
class StartFailureTest {
    @TempDir
    Path home;

    private final TestDatabase database;

    StartFailureTest(TestDatabase database) {
        this.database = database;
    }

    @BeforeEach
    void forgetTheServerKey() {
        database.clear();
    }

    private String failure(String... settings) {
        String told =
                assertThrows(StartFailure.class, () -> start(home, settings)).getMessage();
        assertEquals(1, told.lines().count(), told);
        // The server notices a moment later that a connection has gone.
        await().atMost(Duration.ofSeconds(60)).until(() -> connections() == 0);
        return told;
    }

    private int connections() {
        return database.jdbc()
                .queryForObject(
                        "select count(*) from pg_stat_activity where datname = current_database()"
                                + " and application_name <> 'test' and backend_type = 'client backend'",
                        Integer.class);
    }

    private void start(Path directory, String... settings) {
        Map<String, String> all = TestBus.settings(database.url(), null, settings);
        Bus.start(Settings.load(directory, Map.of(), all), Map.of(), List.of(), Map.of())
                .close();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "agentbus.phase             | 9     | 1 to 5",
                "agentbus.http.port         | abc   | 0 to 65535",
                "agentbus.database.pool-size | 1    | 4 to 200",
                "agentbus.dispatch.beat-ms  | 1.5   | 100 to 200000",
                "agentbus.gateway.max-in-flight | 0 | 1 to 10000",
            })
    void a_number_that_is_wrong(String key, String value, String range) {
        String told = failure(key, value);
        assertTrue(told.startsWith(key + " (command line) is \"" + value + "\"; it must be a whole number"), told);
        assertTrue(told.endsWith(range), told);
    }

    @Test
    void a_word_that_is_wrong() {
        assertEquals(
                "agentbus.dispatch.wake (command line) is \"push\"; it must be one of listen, poll",
                failure("agentbus.dispatch.wake", "push"));
        assertEquals(
                "agentbus.dispatch.enabled (command line) is \"yes\"; it must be one of true, false",
                failure("agentbus.dispatch.enabled", "yes"));
    }

    @Test
    void a_setting_that_does_not_exist() {
        assertEquals(
                "command line: agentbus.http.prot is no setting of agentbus; did you mean agentbus.http.port?",
                failure("agentbus.http.prot", "1"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "127.0.0.1:18789",
                "ftp://gateway",
                "http://gateway/hooks",
                "http://gateway/",
                "http://gateway?x=1",
                "http://gateway#x",
                "http:gateway",
                "http://",
                "http://gate way",
                "http://gateway:99999",
            })
    void a_gateway_address_that_is_none(String url) {
        assertEquals(
                "agentbus.gateway.url (command line) is \"" + url
                        + "\"; it must be http://<host>:<port> or https://<host>:<port>, and nothing after that",
                failure("agentbus.gateway.url", url));
    }

    @Test
    void a_gateway_address_with_a_password_is_refused_without_repeating_it() {
        String told = failure("agentbus.gateway.url", "http://anna:secret@gateway");
        assertTrue(told.startsWith("agentbus.gateway.url (command line) is \"http://***@gateway\"; it must be"), told);
    }

    @Test
    void a_database_that_is_not_there() throws IOException {
        String url = database.url();
        String none = failure("agentbus.database.url", url + "_none");
        assertTrue(
                none.matches(
                        "cannot open the database .*_none.* \\(command line\\): there is no such database; run: .*"),
                none);

        int closed;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            closed = socket.getLocalPort();
        }
        String refused = failure("agentbus.database.url", url.replaceFirst(":\\d+/", ":" + closed + "/"));
        assertTrue(refused.endsWith(": connection refused; is Postgres running there?"), refused);
    }

    @Test
    void a_port_that_is_taken() throws IOException {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            String port = String.valueOf(taken.getLocalPort());
            String told = failure("agentbus.http.port", port);
            assertTrue(told.startsWith("cannot listen on 127.0.0.1:" + port + ": "), told);
            assertTrue(told.endsWith("set agentbus.http.port (AGENTBUS_HTTP_PORT) to another"), told);
        }
    }

    @Test
    void agents_that_cannot_be_read() throws IOException {
        assertEquals(
                home.resolve("nowhere")
                        + ": there is no such directory; it must hold a folder with agent.yaml for each agent",
                failure("agentbus.agents.dir", "nowhere"));

        Path file = Files.createDirectories(home.resolve("agents/devops")).resolve("agent.yaml");
        Files.writeString(file, "id: devops\nsubjcts: [a]\n");
        String told = failure("agentbus.agents.dir", "agents");
        assertTrue(told.startsWith(file + ":2: "), told);
    }

    @Test
    void an_agent_at_a_gateway_that_is_not_there() throws IOException {
        Path file = Files.createDirectories(home.resolve("agents/devops")).resolve("agent.yaml");
        Files.writeString(file, "id: devops\ngateway: east\n");
        assertEquals(
                file + ":2: gateway is 'east'; there is no such gateway; the known ones are default (agentbus.gateways"
                        + " lists further ones)",
                failure("agentbus.agents.dir", "agents"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "agentbus.agents.dir   | nowhere",
                "agentbus.history.cron | x",
                "agentbus.database.url | mysql://x",
                "camel.server.port     | abc",
            })
    void a_setting_is_refused_before_a_file_is_written(String key, String value) {
        failure(key, value);
        assertFalse(Files.exists(home.resolve("data")));
    }

    @Test
    void another_nodes_server_key() {
        start(home);
        String told = assertThrows(StartFailure.class, () -> start(home.resolve("other")))
                .getMessage();
        assertTrue(
                told.matches(
                        "the server key of this node \\([0-9a-f]{16}\\) is not the one this database was set up with"
                                + " \\([0-9a-f]{16}\\); copy data/server.key from another node, or set AGENTBUS_SERVER_KEY"),
                told);
    }

    /** A refused database may be of another version, on which a stop in order would fail or wait. */
    @Test
    void a_start_that_is_refused_reports_no_stop_of_a_dispatcher_that_never_began() {
        start(home);
        database.jdbc().execute("alter function dispatcher_stopped(text) rename to dispatcher_stopped_gone");
        try (LogCapture log = new LogCapture()) {
            assertThrows(
                    StartFailure.class,
                    () -> start(
                            home.resolve("other"),
                            "agentbus.gateway.url",
                            "http://127.0.0.1:9",
                            "agentbus.gateway.token",
                            "a-hook-token"));

            assertEquals(
                    List.of(),
                    log.lines().stream().filter(line -> line.startsWith("WARN")).toList());
        } finally {
            database.jdbc().execute("alter function dispatcher_stopped_gone(text) rename to dispatcher_stopped");
        }
    }
}
