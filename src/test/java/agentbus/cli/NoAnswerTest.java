package agentbus.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Servers that do not answer, or answer by halves, or are no bus; and a standard output that takes no answer. */
class NoAnswerTest extends AgainstABus {
    private static final String PASSWORD = "store-of-a-test";
    private static final String[] ENQUEUE = {"enqueue-job", "--target-agent", "devops", "--subject", "a"};

    /** A server for one connection: it reads a whole request, sends some bytes, and hangs up. */
    private static final class OneAnswer implements AutoCloseable {
        private static final int TLS_HANDSHAKE = 0x16;
        private final ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        private final CompletableFuture<Void> served;

        OneAnswer(String answer) throws IOException {
            served = CompletableFuture.runAsync(() -> {
                try (Socket socket = server.accept()) {
                    read(socket.getInputStream());
                    socket.getOutputStream().write(answer.getBytes(StandardCharsets.ISO_8859_1));
                } catch (IOException hungUp) {
                    throw new IllegalStateException(hungUp);
                }
            });
        }

        /** Reads the headers, and the body that they announce. */
        private static void read(InputStream in) throws IOException {
            StringBuilder head = new StringBuilder();
            while (head.indexOf("\r\n\r\n") < 0) {
                int next = in.read();
                if (next == TLS_HANDSHAKE) {
                    // A version in two bytes and a length in two, then as many bytes.
                    byte[] rest = in.readNBytes(4);
                    in.readNBytes((rest[2] & 0xFF) << 8 | rest[3] & 0xFF);
                    return;
                }
                if (next < 0) {
                    return;
                }
                head.append((char) next);
            }
            for (String line : head.toString().split("\r\n")) {
                if (line.toLowerCase(java.util.Locale.ROOT).startsWith("content-length:")) {
                    in.readNBytes(Integer.parseInt(
                            line.substring(line.indexOf(':') + 1).strip()));
                }
            }
        }

        String url(String scheme) {
            return scheme + "://127.0.0.1:" + server.getLocalPort();
        }

        @Override
        public void close() throws IOException {
            server.close();
        }
    }

    private String said(String url, String... command) {
        String[] all = new String[command.length + 2];
        System.arraycopy(command, 0, all, 0, command.length);
        all[command.length] = "--url";
        all[command.length + 1] = url;
        Shell.Run run = shell.run(all);
        assertEquals(1, run.exit(), run.err());
        assertEquals("", run.out());
        assertEquals(1, run.err().lines().count(), run.err());
        return run.err().strip();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "HTTP/1.1 200 OK\r\n",
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"job\":",
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{\"job\":\r\n",
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{\"job\":",
            })
    void a_call_whose_answer_is_lost_may_have_been_done(String answer) throws IOException {
        try (OneAnswer server = new OneAnswer(answer)) {
            String said = said(server.url("http"), ENQUEUE);

            assertTrue(said.startsWith("error: No whole answer from the bus at " + server.url("http") + ": "), said);
            assertTrue(
                    said.endsWith(
                            ". It is not known whether it was done: look before you repeat it. A close, and a call"
                                    + " with --dedupe-key, may be repeated as they are."),
                    said);
        }
        try (OneAnswer server = new OneAnswer(answer)) {
            assertTrue(said(server.url("http"), "list-jobs", "--http-timeout-seconds", "3")
                    .endsWith(". The call only reads, so repeat it."));
        }
    }

    @Test
    void a_server_without_tls_is_told_as_such() throws IOException {
        try (OneAnswer server = new OneAnswer("HTTP/1.1 400 Bad Request\r\n\r\n")) {
            assertEquals(
                    "error: The server at " + server.url("https")
                            + " does not speak TLS; nothing was sent. Use http:// instead.",
                    said(server.url("https"), ENQUEUE));
        }
    }

    @Test
    void a_certificate_that_is_not_trusted_is_told_as_such() throws Exception {
        HttpsServer server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setHttpsConfigurator(new HttpsConfigurator(selfSigned()));
        server.start();
        try {
            String url = "https://127.0.0.1:" + server.getAddress().getPort();
            String said = said(url, ENQUEUE);

            assertTrue(said.startsWith("error: The certificate of " + url + " is not accepted ("), said);
            assertTrue(
                    said.endsWith("; nothing was sent. To trust its issuer, set"
                            + " AGENTBUS_JAVA_OPTS=-Djavax.net.ssl.trustStore=<file>."),
                    said);
        } finally {
            server.stop(0);
        }
    }

    private SSLContext selfSigned() throws Exception {
        Path store = home.resolve("store.p12");
        Process keytool = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "keytool")
                                .toString(),
                        "-genkeypair",
                        "-keyalg",
                        "EC",
                        "-dname",
                        "CN=bus",
                        "-ext",
                        "san=ip:127.0.0.1",
                        "-storetype",
                        "PKCS12",
                        "-keystore",
                        store.toString(),
                        "-storepass",
                        PASSWORD)
                .redirectErrorStream(true)
                .redirectOutput(home.resolve("keytool.txt").toFile())
                .start();
        assertEquals(0, keytool.waitFor(), () -> "keytool failed");
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(KeyStore.getInstance(store.toFile(), PASSWORD.toCharArray()), PASSWORD.toCharArray());
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), null, null);
        return context;
    }

    @Test
    void a_server_that_speaks_something_else_is_told_as_such() throws IOException {
        try (OneAnswer server = new OneAnswer("220 mail.example.org ESMTP\r\n")) {
            assertEquals(
                    "error: The server at " + server.url("http")
                            + " does not answer in HTTP, so this is no agentbus or something between has broken its"
                            + " answer; if it speaks TLS, use https://. The call only reads, so repeat it.",
                    said(server.url("http"), "list-jobs"));
        }
        try (OneAnswer server = new OneAnswer("220 mail.example.org ESMTP\r\n")) {
            String said = said(server.url("http"), ENQUEUE);
            assertTrue(said.contains("It is not known whether it was done"), said);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "health|{}",
                "health|[1,2]",
                "health|{\"status\":\"ok\"}",
                "health|{\"status\":\"ok\",\"problems\":{}}",
                "list-jobs|[1,2]",
                "list-jobs|{}",
                "list-jobs|{\"jobs\":5}",
                "list-jobs|null",
                "list-jobs|\"jobs\"",
                "get-job " + JOB + "|{\"id\":1}",
                "list-standing-orders|{\"orders\":null}",
                "resume-agent devops|{}",
                "enqueue-job --target-agent a --subject b|{\"job\":[],\"created\":true}"
            })
    void an_answer_that_the_contract_does_not_know_is_of_no_agentbus(String command, String answer) {
        for (String option : List.of("--http-timeout-seconds=5", "--json")) {
            bus.answers(200, answer);
            Shell.Run run = shell.run((command + " " + option).split(" "));

            assertEquals(1, run.exit(), run.out());
            assertEquals("", run.out());
            assertTrue(
                    run.err()
                            .contains("The answer (HTTP status 200) is none of agentbus, so this is no agentbus at "
                                    + bus.url()),
                    run.err());
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"http://127.0.0.1:99999", "http://127.0.0.1:0", "https://bus:65536/x", "http://[::1]:100000"})
    void a_port_that_there_cannot_be_is_a_wrong_command(String url) {
        Shell.Run run = shell.run("list-jobs", "--url", url);

        assertEquals(2, run.exit());
        assertTrue(
                run.err()
                        .startsWith(
                                "error: --url is " + url + "; it must be an address such as http://127.0.0.1:8080."),
                run.err());
        shell.env.put("AGENTBUS_URL", url);
        assertTrue(shell.run("list-jobs").err().startsWith("error: AGENTBUS_URL is " + url), url);
    }

    @Test
    void an_answer_that_cannot_be_written_is_a_failure() {
        bus.answers(200, "{\"agentId\":\"devops\",\"token\":\"aba_shown\"}");
        for (String[] command : new String[][] {
            {"issue-agent-token", "devops"}, {"issue-agent-token", "devops", "--json"}, {"--help"}, {"--version"}
        }) {
            StringBuilder err = new StringBuilder();
            int exit = new AgentbusCli(CONTRACT, Map.of())
                    .execute(
                            command,
                            InputStream.nullInputStream(),
                            new PrintStream(new Full(), true, StandardCharsets.UTF_8),
                            new PrintStream(new Kept(err), true, StandardCharsets.UTF_8),
                            shell.env);

            assertEquals(1, exit, String.join(" ", command));
            assertTrue(err.toString().contains("The output could not be written whole"), err.toString());
            assertFalse(err.toString().contains("aba_shown"));
        }
    }

    /** A full disk. */
    private static final class Full extends OutputStream {
        @Override
        public void write(int b) throws IOException {
            throw new IOException("No space left on device");
        }
    }

    private static final class Kept extends OutputStream {
        private final StringBuilder text;

        Kept(StringBuilder text) {
            this.text = text;
        }

        @Override
        public void write(int b) {
            text.append((char) b);
        }
    }
}
