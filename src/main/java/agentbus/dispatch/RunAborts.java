package agentbus.dispatch;

import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.camel.Body;

/**
 * Tells gateways to stop runs: {@code sessions.abort} by the session's key, the only cancel that OpenClaw 2026.9.6 has for
 * a run that a hook started. It needs the gateway's own token, which is more than the hook token.
 */
public final class RunAborts {
    /** Ours: an abort was answered within 0.2 s when measured; a claim of one is good for 30 s. */
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final Gateways gateways;
    private final Duration patience;
    // HTTP/2 would ask for another upgrade than the WebSocket's.
    private final HttpClient client;

    /**
     * Aborts at a node's gateways.
     *
     * @param gateways the gateways
     */
    public RunAborts(Gateways gateways) {
        this(gateways, PATIENCE);
    }

    RunAborts(Gateways gateways, Duration patience) {
        this.gateways = gateways;
        this.patience = patience;
        this.client = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(patience)
                .build();
    }

    /**
     * Tells the gateway of a claimed abort to stop the run.
     *
     * @param row a row of the claim; its column {@code abort} is JSON: attemptId, gateway, sessionKey
     * @return attemptId, outcome (aborted, no_run or failed) and error, null unless failed: parameters of abort_tried
     * @throws JsonProcessingException when the database answered something else than JSON
     */
    public Map<String, Object> abort(@Body Map<String, Object> row) throws JsonProcessingException {
        JsonNode claimed = Json.read((String) row.get("abort"));
        Gateway gateway = gateways.named(claimed.path("gateway").asText());
        Map<String, Object> tried = new HashMap<>();
        tried.put("attemptId", claimed.path("attemptId").asText());
        tried.put("error", null);
        try {
            JsonNode answer = callAbort(gateway, claimed.path("sessionKey").asText());
            String status = answer.path("status").asText();
            switch (status) {
                case "aborted" -> tried.put("outcome", "aborted");
                case "no-active-run" -> tried.put("outcome", "no_run");
                default -> fail(tried, "it answered the abort with " + HookOutcome.brief(answer.toString()));
            }
        } catch (ExecutionException refused) {
            Throwable cause = refused.getCause();
            String said = cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
            fail(tried, HookOutcome.brief(gateway.withoutTokens(said)));
        } catch (TimeoutException silent) {
            fail(tried, "no answer within " + patience.toSeconds() + " s");
        } catch (InterruptedException stopping) {
            Thread.currentThread().interrupt();
            fail(tried, "this node stops");
        }
        return tried;
    }

    private static void fail(Map<String, Object> tried, String error) {
        tried.put("outcome", "failed");
        tried.put("error", error);
    }

    private JsonNode callAbort(Gateway gateway, String sessionKey)
            throws ExecutionException, InterruptedException, TimeoutException {
        GatewayCall call = new GatewayCall(
                gateway.operatorToken(), "sessions.abort", Json.object().put("key", sessionKey));
        CompletableFuture<WebSocket> opening =
                client.newWebSocketBuilder().connectTimeout(patience).buildAsync(socketUrl(gateway.url()), call);
        // One patience for both: opening that fails is the answer's failure.
        opening.whenComplete((socket, failure) -> {
            if (failure != null) {
                call.answer().completeExceptionally(failure);
            }
        });
        try {
            return call.answer().get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } finally {
            opening.thenAccept(WebSocket::abort);
        }
    }

    private static URI socketUrl(URI url) {
        return URI.create((url.getScheme().equals("https") ? "wss" : "ws") + "://" + url.getRawAuthority() + "/");
    }
}
