package agentbus.cli;

import agentbus.contract.Contract;
import agentbus.contract.Operation;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/** A stub of the bus: it gives prepared answers and records the requests. */
final class BusStub implements AutoCloseable {
    private static final Contract CONTRACT = Contract.load();
    private final HttpServer server;
    private final BlockingQueue<Request> requests = new LinkedBlockingQueue<>();
    private int status = 200;
    /** Null until a test prepares one: then the answer is the smallest that the called operation may give. */
    private String answer;

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
        String given = answer == null
                ? smallest(exchange.getRequestMethod(), exchange.getRequestURI().getRawPath())
                : answer;
        byte[] bytes = given.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    /** The required fields of the operation's answer: empty lists and objects, the first word of an enum, or a text. */
    private static String smallest(String method, String path) {
        Operation operation =
                CONTRACT.match(method, path.substring(path.indexOf("/v1/"))).operation();
        JsonNode schema = CONTRACT.document()
                .path("paths")
                .path(operation.path())
                .path(method.toLowerCase(Locale.ROOT))
                .at("/responses/200/content/application~1json/schema");
        ObjectNode smallest = Json.object().put("made", true);
        Stream.concat(
                        Stream.of(schema),
                        StreamSupport.stream(schema.path("allOf").spliterator(), false))
                .forEach(part -> part.path("required").forEach(name -> {
                    JsonNode field = part.path("properties").path(name.asText());
                    switch (field.path("type").asText()) {
                        case "array" -> smallest.putArray(name.asText());
                        case "object" -> smallest.putObject(name.asText());
                        default ->
                            smallest.put(name.asText(), field.at("/enum/0").asText("x"));
                    }
                }));
        return smallest.toString();
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

    /** All requests so far, in their order. */
    List<Request> all() {
        return List.copyOf(requests);
    }

    boolean wasAsked() {
        return !requests.isEmpty();
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
