package agentbus.hawtio;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.settings.StartFailure;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The words of {@code agentbus hawtio}, on what it finds at the port. */
class HawtioCommandTest {
    /** The header of Hawtio's listener, as its own test reads it. */
    private static final String LOGIN = "Basic realm=\"agentbus operator\", charset=\"UTF-8\"";

    @TempDir
    private Path home;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    private HawtioCommand command(String... settings) {
        HawtioCommand command = new HawtioCommand(
                new PrintStream(out, true, StandardCharsets.UTF_8), Map.of("AGENTBUS_HOME", home.toString()));
        List<String> args = new ArrayList<>();
        for (String setting : settings) {
            args.addAll(List.of("--set", setting));
        }
        new CommandLine(command).parseArgs(args.toArray(String[]::new));
        return command;
    }

    private String refused(String... settings) {
        String said = assertThrows(StartFailure.class, command(settings)::call).getMessage();
        assertEquals("", out.toString(StandardCharsets.UTF_8));
        return said;
    }

    /** A program that answers every call. */
    private static HttpServer listener(int status, String login) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", call -> {
            if (login != null) {
                call.getResponseHeaders().set("WWW-Authenticate", login);
            }
            call.sendResponseHeaders(status, -1);
            call.close();
        });
        server.start();
        return server;
    }

    private static String port(HttpServer server) {
        return "agentbus.jolokia.port=" + server.getAddress().getPort();
    }

    @Test
    void while_hawtio_is_off_it_says_how_to_turn_it_on() {
        String said = refused();

        assertTrue(said.startsWith("Hawtio is off; set agentbus.jolokia.port (AGENTBUS_JOLOKIA_PORT)"), said);
    }

    @Test
    void a_port_that_each_start_chooses_cannot_be_found() {
        String said = refused("agentbus.jolokia.port=0");

        assertTrue(said.contains("set it to a port of your own"), said);
    }

    @Test
    void where_nothing_listens_it_says_so() throws IOException {
        int free;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            free = socket.getLocalPort();
        }

        String said = refused("agentbus.jolokia.port=" + free);

        assertTrue(said.startsWith("nothing answers at http://127.0.0.1:" + free + "/hawtio/; start the bus"), said);
    }

    @Test
    void another_program_at_the_port_is_not_taken_for_hawtio() throws IOException {
        HttpServer open = listener(200, null);
        HttpServer foreign = listener(401, "Basic realm=\"router\"");
        try {
            assertTrue(refused(port(open)).startsWith("another program answers at http://127.0.0.1:"));
            assertTrue(refused(port(foreign)).startsWith("another program answers at http://127.0.0.1:"));
        } finally {
            open.stop(0);
            foreign.stop(0);
        }
    }

    @Test
    void a_listener_is_named_with_the_login() throws IOException {
        HttpServer hawtio = listener(401, LOGIN);
        try {
            int exit = command(port(hawtio), "agentbus.data.dir=keys").call();

            assertEquals(0, exit);
            String url = "http://127.0.0.1:" + hawtio.getAddress().getPort() + "/hawtio/";
            assertEquals(
                    """
                    Hawtio is at %s
                      user       operator
                      password   an operator's token, such as the content of %s
                      jolokia    %sjolokia, for programs
                    """
                            .formatted(url, home.resolve("keys/operator.token"), url),
                    out.toString(StandardCharsets.UTF_8));
        } finally {
            hawtio.stop(0);
        }
    }
}
