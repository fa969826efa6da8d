package agentbus.dispatch;

import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.ServerWebSocket;
import java.io.UncheckedIOException;
import java.net.URI;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * A stub of a gateway's WebSocket, with the frames observed on OpenClaw 2026.9.6: challenge, hello, one answer. Its
 * hooks admit every call and run nothing.
 */
final class GatewaySocket implements AutoCloseable {

    private final Vertx vertx = Vertx.vertx();
    private final String token;
    private final String abortAnswer;
    private final String refusal;
    private final HttpServer server;
    private final Queue<JsonNode> requests = new ConcurrentLinkedQueue<>();

    /**
     * Starts a stub on a free port.
     *
     * @param token the token that it accepts
     * @param abortAnswer the rest of its answer to an abort, after the id; null for no answer, with the socket open
     */
    GatewaySocket(String token, String abortAnswer) {
        this(token, abortAnswer, null);
    }

    /**
     * Starts a stub that refuses every connect.
     *
     * @param refusal the error of its refusal, as JSON; null to accept the token
     */
    GatewaySocket(String token, String abortAnswer, String refusal) {
        this.token = token;
        this.abortAnswer = abortAnswer;
        this.refusal = refusal;
        server = vertx.createHttpServer()
                .webSocketHandler(this::greet)
                .requestHandler(request -> request.response()
                        .putHeader("Content-Type", "application/json")
                        .end("{\"ok\":true,\"ready\":true,\"runId\":\"run-1\"}"))
                .listen(0, "127.0.0.1")
                .toCompletionStage()
                .toCompletableFuture()
                .join();
    }

    URI url() {
        return URI.create("http://127.0.0.1:" + server.actualPort());
    }

    /** The requests that it received, in order. */
    List<JsonNode> requests() {
        return List.copyOf(requests);
    }

    private void greet(ServerWebSocket socket) {
        socket.textMessageHandler(text -> hear(socket, parse(text)));
        socket.writeTextMessage(
                "{\"type\":\"event\",\"event\":\"connect.challenge\",\"payload\":{\"nonce\":\"n\",\"ts\":1}}");
    }

    private void hear(ServerWebSocket socket, JsonNode request) {
        requests.add(request);
        String id = "{\"type\":\"res\",\"id\":\"" + request.path("id").asText() + "\",";
        if (refusal != null) {
            socket.writeTextMessage(id + "\"ok\":false,\"error\":" + refusal + "}");
        } else if (request.path("method").asText().equals("connect")) {
            if (!request.at("/params/auth/token").asText().equals(token)) {
                socket.writeTextMessage(id + "\"ok\":false,\"error\":{\"code\":\"INVALID_REQUEST\",\"message\":"
                        + "\"unauthorized: gateway token mismatch ("
                        + request.at("/params/auth/token").asText()
                        + ")\"}}");
                socket.close((short) 1008, "unauthorized");
                return;
            }
            // As large as the real hello, so that it arrives in several pieces.
            String methods = "\"sessions.abort\",".repeat(4000) + "\"health\"";
            socket.writeTextMessage(id + "\"ok\":true,\"payload\":{\"type\":\"hello-ok\",\"features\":{\"methods\":["
                    + methods + "]}}}");
            socket.writeTextMessage("{\"type\":\"event\",\"event\":\"agent\",\"payload\":{},\"seq\":1}");
        } else if (abortAnswer != null) {
            socket.writeTextMessage(id + abortAnswer + "}");
        }
    }

    private static JsonNode parse(String text) {
        try {
            return Json.read(text);
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }
}
