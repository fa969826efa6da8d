package agentbus.hawtio;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * The listener without the door. It runs in a process of its own: the JDK reads the limits of its HTTP server once, and
 * another test of this process may have started one.
 */
class HawtioServerTest {
    private static final String WHOLE = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
    private static final List<String> HALVES = List.of(
            "G",
            "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n",
            "POST /jolokia HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Len",
            "POST /jolokia HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{",
            "POST /jolokia HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{");

    /** A process with a listener that answers 204, until its input ends. */
    static final class Listener {
        private Listener() {}

        public static void main(String[] none) throws IOException {
            try (HawtioServer server = HawtioServer.bind(0)) {
                server.start(exchange -> {
                    exchange.getRequestBody().readAllBytes();
                    exchange.sendResponseHeaders(204, -1);
                    exchange.close();
                });
                System.out.println(server.url());
                System.in.read();
            }
        }
    }

    @Test
    void half_requests_on_all_threads_are_closed_and_a_whole_one_is_answered() throws Exception {
        Process listener = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Listener.class.getName())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        List<Socket> halves = new ArrayList<>();
        try (BufferedReader said = listener.inputReader(StandardCharsets.UTF_8)) {
            int port = URI.create(said.readLine()).getPort();
            for (String half : HALVES) {
                halves.add(sent(port, half));
            }

            // The first whole one may come so early that it is closed together with the half ones.
            await().atMost(Duration.ofSeconds(14))
                    .ignoreExceptionsInstanceOf(IOException.class)
                    .until(() -> {
                        try (Socket whole = sent(port, WHOLE)) {
                            return answer(whole).startsWith("HTTP/1.1 204");
                        }
                    });

            for (Socket half : halves) {
                assertFalse(lastOf(half).startsWith("HTTP/1.1 2"));
            }
        } finally {
            for (Socket half : halves) {
                half.close();
            }
            listener.destroy();
        }
    }

    private static Socket sent(int port, String request) throws IOException {
        Socket socket = new Socket("127.0.0.1", port);
        socket.setSoTimeout(10_000);
        socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
        return socket;
    }

    /** The same for a connection that is closed or reset; a connection that stays open fails the test. */
    private static String lastOf(Socket socket) throws IOException {
        try {
            return answer(socket);
        } catch (SocketException reset) {
            return "";
        }
    }

    /** What the listener has sent when it closes the connection. */
    private static String answer(Socket socket) throws IOException {
        return new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
    }
}
