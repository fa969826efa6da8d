package agentbus.cli;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/** A stub of the bus: it gives prepared answers and records the requests. */
final class BusStub implements AutoCloseable {
    private final HttpServer server;
    private final BlockingQueue<Request> requests = new LinkedBlockingQueue<>();
    private int status = 200;
    /** Has the lists and objects of every operation's answer. */
    private String answer =
            """
            {"jobs":[],"events":[],"agents":[],"gateways":[],"orders":[],"runs":[],"problems":[],
             "job":{},"event":{},"run":{},"status":"ok","jobId":"j","eventId":"e","agentId":"a","gateway":"g","order":"o","applied":true,
             "rows":[],"nodes":[],"edges":[],"woken":{}}""";

    record Request(String method, String uri, String token, String contentType, String body) {}

    BusStub() {
        try {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        } catch (IOException noPort) {
            throw new IllegalStateException(noPort);
        }
        server.createContext("/", this::handle);
        server.start();
    }

    private synchronized void handle(HttpExchange exchange) throws IOException {
        requests.add(new Request(
                exchange.getRequestMethod(),
                exchange.getRequestURI().toString(),
                exchange.getRequestHeaders().getFirst("Authorization"),
                exchange.getRequestHeaders().getFirst("Content-Type"),
                new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8)));
        byte[] bytes = answer.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    synchronized void answers(int newStatus, String newAnswer) {
        status = newStatus;
        answer = newAnswer;
    }

    String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    /** The only request. */
    Request request() {
        Request request = requests.poll();
        if (request == null || !requests.isEmpty()) {
            throw new AssertionError("one request expected, then none: " + request + ", " + requests);
        }
        return request;
    }

    boolean wasAsked() {
        return !requests.isEmpty();
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
