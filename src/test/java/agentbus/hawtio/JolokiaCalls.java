package agentbus.hawtio;

import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.Base64;

/** The calls of a program to the listener of Hawtio and Jolokia. */
final class JolokiaCalls {
    private static final HttpClient CLIENT =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    private final String origin;
    private final String login;

    /**
     * Calls of one caller.
     *
     * @param url any address of the listener
     * @param login the Authorization header, or null
     */
    JolokiaCalls(String url, String login) {
        this.origin = url.replaceFirst("(https?://[^/]+).*", "$1");
        this.login = login;
    }

    /** The header of HTTP Basic. */
    static String basic(String user, String password) {
        return "Basic " + Base64.getEncoder().encodeToString((user + ":" + password).getBytes(StandardCharsets.UTF_8));
    }

    /** Sends a request. The headers are name, value, name, value … */
    HttpResponse<String> send(String method, String path, String body, String... headers)
            throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(origin + path))
                .method(method, body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body));
        if (login != null) {
            request.header("Authorization", login);
        }
        for (int i = 0; i < headers.length; i += 2) {
            request.header(headers[i], headers[i + 1]);
        }
        return CLIENT.send(request.build(), BodyHandlers.ofString());
    }

    /** Sends Jolokia a request as a body, and returns its answer. */
    JsonNode ask(JsonNode request) throws IOException, InterruptedException {
        return Json.read(send("POST", "/jolokia", request.toString()).body());
    }

    /** Reads an attribute. */
    JsonNode read(String mbean, String attribute) throws IOException, InterruptedException {
        return ask(Json.object().put("type", "read").put("mbean", mbean).put("attribute", attribute));
    }

    /** Calls an operation. */
    JsonNode exec(String mbean, String operation, Object... arguments) throws IOException, InterruptedException {
        return ask(Json.object()
                .put("type", "exec")
                .put("mbean", mbean)
                .put("operation", operation)
                .set("arguments", Json.tree(arguments)));
    }
}
