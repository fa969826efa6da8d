package agentbus.dispatch;

import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.http.WebSocket;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * One request over a gateway's WebSocket: the challenge, the connect request, the request itself, and its answer.
 * OpenClaw 2026.9.6, protocol 4, first sends {@code {type:"event",event:"connect.challenge"}}. It answers each request
 * {@code {type:"req",id,method,params}} with {@code {type:"res",id,ok,payload|error}}; other events are ignored.
 */
final class GatewayCall implements WebSocket.Listener {
    private static final int PROTOCOL = 4;
    private static final String CONNECT = "connect";
    private static final String CALL = "call";
    /**
     * Chosen: far above the largest real frame, which is the list of methods after connecting (tens of kilobytes). Only
     * a peer that is no gateway exceeds the limit.
     */
    private static final int MOST_CHARS = 8 * 1024 * 1024;

    private final String token;
    private final String method;
    private final ObjectNode params;
    private final CompletableFuture<JsonNode> answer = new CompletableFuture<>();
    private final StringBuilder frame = new StringBuilder();

    /**
     * A call of one method.
     *
     * @param token the gateway's operator token
     * @param method the method to call; null to connect and call nothing
     * @param params its parameters; null without a method
     */
    GatewayCall(String token, String method, ObjectNode params) {
        this.token = token;
        this.method = method;
        this.params = params;
    }

    /**
     * The answer's payload. The future fails with an IOException that quotes the gateway's refusal or names the broken
     * connection; it is a {@link Unwelcome} when the gateway refuses the connect request, as it does for a wrong token.
     */
    CompletableFuture<JsonNode> answer() {
        return answer;
    }

    /** The gateway refused the connect request. */
    static final class Unwelcome extends IOException {
        private static final long serialVersionUID = 1L;
        /** The word with which OpenClaw 2026.9.6 begins every refusal of a token (measured). */
        private static final String UNAUTHORIZED = "unauthorized";

        private Unwelcome(String message) {
            super(message);
        }

        /** Whether the refusal is about the token, and not about the gateway's state or the form of the request. */
        boolean aboutToken() {
            return getMessage().toLowerCase(Locale.ROOT).contains(UNAUTHORIZED);
        }
    }

    @Override
    public CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean last) {
        frame.append(data);
        if (frame.length() > MOST_CHARS) {
            answer.completeExceptionally(
                    new IOException("it sent more than " + MOST_CHARS + " characters in one frame"));
        } else if (last) {
            String text = frame.toString();
            frame.setLength(0);
            handle(socket, text);
        }
        socket.request(1);
        return null;
    }

    @Override
    public CompletionStage<?> onClose(WebSocket socket, int status, String reason) {
        answer.completeExceptionally(new IOException("it closed the connection: " + status + " " + reason));
        return null;
    }

    @Override
    public void onError(WebSocket socket, Throwable error) {
        answer.completeExceptionally(error);
    }

    private void handle(WebSocket socket, String text) {
        try {
            JsonNode message = Json.read(text);
            String id = message.path("id").asText();
            if (message.path("event").asText().equals("connect.challenge")) {
                send(socket, CONNECT, CONNECT, connect());
            } else if (message.path("type").asText().equals("res")
                    && !message.path("ok").asBoolean()) {
                JsonNode error = message.path("error");
                String refused = "it refused " + (id.equals(CALL) ? method : id) + ": "
                        + error.path("code").asText() + " "
                        + error.path("message").asText();
                answer.completeExceptionally(id.equals(CONNECT) ? new Unwelcome(refused) : new IOException(refused));
            } else if (id.equals(CONNECT) && method == null) {
                answer.complete(message.path("payload"));
            } else if (id.equals(CONNECT)) {
                send(socket, CALL, method, params);
            } else if (id.equals(CALL)) {
                answer.complete(message.path("payload"));
            }
        } catch (JsonProcessingException notJson) {
            answer.completeExceptionally(
                    new IOException("it does not speak JSON: " + HookOutcome.brief(text), notJson));
        }
    }

    private ObjectNode connect() {
        ObjectNode connect = Json.object()
                .put("minProtocol", PROTOCOL)
                .put("maxProtocol", PROTOCOL)
                .put("role", "operator");
        // In client mode "backend" the gateway requires only the token and no paired device.
        connect.putObject("client")
                .put("id", "gateway-client")
                .put("version", "1")
                .put("platform", "java")
                .put("mode", "backend");
        connect.putArray("scopes").add("operator.read").add("operator.write");
        connect.putObject("auth").put("token", token);
        return connect;
    }

    private void send(WebSocket socket, String id, String name, ObjectNode arguments) {
        ObjectNode request = Json.object().put("type", "req").put("id", id).put("method", name);
        request.set("params", arguments);
        socket.sendText(request.toString(), true).whenComplete((sent, failure) -> {
            if (failure != null) {
                answer.completeExceptionally(failure);
            }
        });
    }
}
