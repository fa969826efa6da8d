package agentbus.demo;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/** Posts hooks to a gateway as a dispatcher does. */
final class HookClient {

    static final String TOKEN = "hook-token";

    private final SimulatedGateway gateway;
    private final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    HookClient(SimulatedGateway gateway) {
        this.gateway = gateway;
    }

    static String job(String jobId, String message) {
        return "{\"jobId\":\"" + jobId + "\",\"message\":\"" + message + "\"}";
    }

    HttpRequest.Builder to(String path, String body) {
        URI uri = URI.create(gateway.url() + path);
        return HttpRequest.newBuilder(uri)
                .timeout(Duration.ofSeconds(20))
                .POST(HttpRequest.BodyPublishers.ofString(body));
    }

    HttpRequest.Builder hook(String path, String body) {
        return to(path, body).header("Authorization", "Bearer " + TOKEN);
    }

    HttpResponse<String> post(String path, String body) throws IOException, InterruptedException {
        return send(hook(path, body));
    }

    HttpResponse<String> post(String path, String key, String body) throws IOException, InterruptedException {
        return send(hook(path, body).header("Idempotency-Key", key));
    }

    CompletableFuture<HttpResponse<String>> postAsync(String path, String body) {
        return http.sendAsync(hook(path, body).build(), HttpResponse.BodyHandlers.ofString());
    }

    HttpResponse<String> get(String path) throws IOException, InterruptedException {
        return send(HttpRequest.newBuilder(URI.create(gateway.url() + path)));
    }

    HttpResponse<String> send(HttpRequest.Builder request) throws IOException, InterruptedException {
        return http.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }
}
