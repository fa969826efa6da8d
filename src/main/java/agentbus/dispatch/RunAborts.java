package agentbus.dispatch;

import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpTimeoutException;
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
 * Stops runs at gateways: calls {@code sessions.abort} with the session's key, the only way in OpenClaw 2026.9.6 to
 * cancel a run that a hook started. The call needs the gateway's operator token; the hook token is not enough.
 */
public final class RunAborts {
    /** Chosen: well above the measured 0.2 s of an answer, and well below the 30 s for which an abort stays claimed. */
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final Gateways gateways;
    private final Duration patience;
    /** Made by the first abort, because making it reads all certificates of the JDK. */
    private HttpClient client;

    /**
     * Aborts at one node's gateways.
     *
     * @param gateways the gateways
     */
    public RunAborts(Gateways gateways) {
        this(gateways, PATIENCE);
    }

    RunAborts(Gateways gateways, Duration patience) {
        this.gateways = gateways;
        this.patience = patience;
    }

    private synchronized HttpClient client() {
        if (client == null) {
            // HTTP/1.1, because the upgrade request of an HTTP/2 client collides with the WebSocket's upgrade request.
            client = HttpClient.newBuilder()
                    .version(HttpClient.Version.HTTP_1_1)
                    .connectTimeout(patience)
                    .build();
        }
        return client;
    }

    /**
     * Stops one run, and waits up to 10 s for the gateway's answer.
     *
     * @param row a row of the claim; its column {@code abort} is JSON: attemptId, gateway, sessionKey
     * @return the parameters of {@code abort_tried}: attemptId, outcome (aborted, no_run or failed) and error, null
     *     unless failed
     * @throws JsonProcessingException when the column is not JSON
     */
    public Map<String, Object> abort(@Body Map<String, Object> row) throws JsonProcessingException {
        JsonNode claimed = Json.read((String) row.get("abort"));
        Gateway gateway = gateways.named(claimed.path("gateway").asText());
        Map<String, Object> tried = new HashMap<>();
        tried.put("attemptId", claimed.path("attemptId").asText());
        tried.put("error", null);
        try {
            GatewayCall call = new GatewayCall(
                    gateway.operatorToken(),
                    "sessions.abort",
                    Json.object().put("key", claimed.path("sessionKey").asText()));
            JsonNode answer = answer(gateway, call);
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

    /**
     * Makes a call over a new connection, and waits up to 10 s for the answer.
     *
     * @param gateway the gateway
     * @param call the call
     * @return the answer's payload
     * @throws ExecutionException when the gateway refuses, or the connection breaks
     * @throws InterruptedException when this node stops
     * @throws TimeoutException when there is no answer in time
     */
    JsonNode answer(Gateway gateway, GatewayCall call)
            throws ExecutionException, InterruptedException, TimeoutException {
        CompletableFuture<WebSocket> opening =
                client().newWebSocketBuilder().connectTimeout(patience).buildAsync(socketUrl(gateway.url()), call);
        // A failed opening fails the answer, whose timeout covers the opening too.
        opening.whenComplete((socket, failure) -> {
            if (failure != null) {
                call.answer().completeExceptionally(failure);
            }
        });
        try {
            return call.answer().get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException failed) {
            // The opening has the same limit, and may reach it a moment earlier.
            if (isLate(failed)) {
                throw new TimeoutException("no connection within " + patience.toSeconds() + " s");
            }
            throw failed;
        } finally {
            opening.thenAccept(WebSocket::abort);
        }
    }

    private static boolean isLate(Throwable failure) {
        return failure != null && (failure instanceof HttpTimeoutException || isLate(failure.getCause()));
    }

    private static URI socketUrl(URI url) {
        return URI.create((url.getScheme().equals("https") ? "wss" : "ws") + "://" + url.getRawAuthority() + "/");
    }
}
