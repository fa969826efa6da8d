package agentbus.start;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestBus;
import agentbus.harness.TestDatabase;
import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** What a person sees who starts the program wrongly: one line, status 1, and the prompt again. */
@ExtendWith(PostgresExtension.class)
class RunProcessTest {
    private static final int LONGEST_SECONDS = 60;

    @TempDir
    Path home;

    private final TestDatabase database;

    RunProcessTest(TestDatabase database) {
        this.database = database;
    }

    @BeforeEach
    void forgetTheServerKey() {
        database.clear();
    }

    private record Ended(int status, String out, String err) {}

    private Ended run(String... settings) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                // The tests' logging is on the class path, too, and comes first.
                "-Dlogback.configurationFile="
                        + Path.of("src/main/resources/logback.xml").toUri(),
                "agentbus.Main",
                "run"));
        Map<String, String> all = TestBus.settings(database.url(), null, settings);
        all.forEach((key, value) -> command.addAll(List.of("--set", key + "=" + value)));
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectOutput(home.resolve("out").toFile())
                .redirectError(home.resolve("err").toFile());
        // A zone that the JVM knows and Postgres does not.
        builder.environment().put("TZ", "VST");
        builder.environment().keySet().removeIf(name -> name.startsWith("AGENTBUS_") || name.startsWith("PG"));
        builder.environment().remove("DATABASE_URL");
        builder.environment().put("AGENTBUS_HOME", home.toString());
        Process process = builder.start();
        try {
            assertTrue(process.waitFor(LONGEST_SECONDS, TimeUnit.SECONDS), "the process ends");
            return new Ended(
                    process.exitValue(), Files.readString(home.resolve("out")), Files.readString(home.resolve("err")));
        } finally {
            process.destroyForcibly();
        }
    }

    @Test
    void a_setting_that_does_not_exist() throws Exception {
        Ended ended = run("agentbus.http.prot", "1");
        assertEquals(
                "error: command line: agentbus.http.prot is no setting of agentbus; did you mean agentbus.http.port?\n",
                ended.err());
        assertEquals("", ended.out());
        assertEquals(1, ended.status());
    }

    @Test
    void a_broken_agent() throws Exception {
        Path file = Files.createDirectories(home.resolve("fleet/devops")).resolve("agent.yaml");
        Files.writeString(file, "id: devops\nsubjcts: [a]\n");
        Ended ended = run("agentbus.agents.dir", "fleet");
        String last = ended.err().lines().reduce("", (before, line) -> line);
        assertEquals(last + "\n", ended.err());
        assertTrue(last.startsWith("error: " + file + ":2: there is no key 'subjcts'"), ended.err());
        assertFalse(ended.err().contains("\tat "), ended.err());
        assertEquals("", ended.out());
        assertEquals(1, ended.status());
    }

    @Test
    void variables_of_other_programs_change_neither_the_settings_nor_the_options_of_camel() throws Exception {
        Map<String, String> environment = Map.of(
                "AGENTBUS_PORT", "tcp://10.0.0.1:8080",
                "AGENTBUS_SERVICE_HOST", "10.0.0.1",
                "AGENTBUS_HTTP_PORT", "tcp://10.0.0.1:8080",
                "AGENTBUS_POSTGRES_PASSWORD", "hidden",
                "AGENTBUS_HTTP_HOST", "10.0.0.1",
                "AGENTBUS_DATABASE_URL", "",
                "CAMEL_SERVER_PORT", "tcp://10.0.0.1:8080");
        try (BusProcess bus = BusProcess.start(
                home,
                TestBus.settings(database.url(), null, "agentbus.http.host", "127.0.0.1"),
                // Without the tests' own logback-test.xml, which hides what is not a warning.
                Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                        .filter(entry -> !Path.of(entry).endsWith("test-classes"))
                        .collect(Collectors.joining(File.pathSeparator)),
                environment)) {
            assertTrue(
                    bus.log()
                            .contains("passed over: AGENTBUS_HTTP_PORT, AGENTBUS_PORT, AGENTBUS_POSTGRES_PASSWORD,"
                                    + " AGENTBUS_SERVICE_HOST"),
                    bus.log());
            assertFalse(bus.log().contains("hidden"), bus.log());
            HttpResponse<String> health = HttpClient.newHttpClient()
                    .send(
                            HttpRequest.newBuilder(URI.create(bus.url() + "/observe/health"))
                                    .build(),
                            HttpResponse.BodyHandlers.ofString());
            assertTrue(health.body().contains("\"status\""), health.body());
        }
    }

    @Test
    void a_port_that_is_taken() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            String port = String.valueOf(taken.getLocalPort());
            Ended ended = run("agentbus.http.port", port);
            assertTrue(ended.err().startsWith("error: cannot listen on 127.0.0.1:" + port), ended.err());
            assertEquals(1, ended.err().lines().count(), ended.err());
            assertEquals(1, ended.status());
        }
    }

    @Test
    void a_mistake_that_camel_finds() throws Exception {
        Ended ended = run("camel.component.sql.nonsense", "1");
        String last = ended.err().lines().reduce("", (before, line) -> line);
        assertEquals("error: the routes do not start: camel.component.sql.nonsense does not exist", last);
        assertFalse(ended.err().contains("\tat "), ended.err());
        assertEquals("", ended.out());
        assertEquals(1, ended.status());
    }
}
