package agentbus.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.Door;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Callers that open a connection and then take their time: they are given up, and nobody waits behind them. */
@ExtendWith(PostgresExtension.class)
class SlowCallerTest {
    private static final int MANY = 200;
    private static Door door;

    @BeforeAll
    static void open(TestDatabase database, @TempDir Path home) throws IOException {
        door = Door.open(
                database, home, "agentbus.http.body-timeout-seconds", "1", "agentbus.http.idle-timeout-seconds", "3");
    }

    @AfterAll
    static void close() {
        door.close();
    }

    @Test
    void a_body_that_does_not_come_is_answered_408_and_the_connection_is_closed() throws IOException {
        try (Socket socket = connect()) {
            send(
                    socket,
                    "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + door.operator()
                            + "\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"targetAgent\"");

            String answer = read(socket.getInputStream());

            assertTrue(answer.startsWith("HTTP/1.1 408 "), answer);
            assertTrue(answer.contains("\"code\":\"body_too_slow\""), answer);
        }
    }

    @Test
    void a_caller_whose_headers_do_not_end_is_hung_up_on() throws IOException {
        try (Socket socket = connect()) {
            send(socket, "GET /v1/health HTTP/1.1\r\nHost: localhost\r\nX-Slow: ");

            assertEquals("", read(socket.getInputStream()));
        }
    }

    @Test
    void others_are_served_while_many_callers_dawdle() throws IOException {
        List<Socket> dawdlers = new ArrayList<>();
        try {
            for (int i = 0; i < MANY; i++) {
                Socket socket = connect();
                dawdlers.add(socket);
                send(socket, "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50000\r\n\r\n{");
            }

            assertEquals(200, door.get("/v1/health").status());
        } finally {
            for (Socket socket : dawdlers) {
                socket.close();
            }
        }
    }

    private static Socket connect() throws IOException {
        URI address = URI.create(door.bus().bus().url());
        Socket socket = new Socket(address.getHost(), address.getPort());
        socket.setSoTimeout(60_000);
        return socket;
    }

    private static void send(Socket socket, String text) throws IOException {
        socket.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
    }

    /** Everything until the other side closes. */
    private static String read(InputStream in) throws IOException {
        return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
}
