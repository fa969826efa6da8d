package agentbus.cli;

import agentbus.contract.Input;
import agentbus.contract.Operation;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Calls an operation of the bus over HTTP. */
final class BusClient {

    private final Settings settings;
    private final HttpClient http;

    BusClient(Settings settings) {
        this.settings = settings;
        this.http = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(settings.timeout())
                .build();
    }

    /** The bus could not be reached, or did not answer in time. */
    static final class Unreachable extends Exception {
        private static final long serialVersionUID = 1L;

        Unreachable(String detail) {
            super(detail, null, false, false);
        }
    }

    /**
     * An answer of the bus.
     *
     * @param status the HTTP status
     * @param body the body, unchanged
     */
    record Answer(int status, byte[] body) {
        boolean ok() {
            return status >= 200 && status < 300;
        }

        /** The body as JSON, not checked against the contract; empty if the body is not JSON. */
        Optional<JsonNode> json() {
            try {
                JsonNode json = Json.EXACT.readTree(body);
                return json.isMissingNode() ? Optional.empty() : Optional.of(json);
            } catch (IOException notJson) {
                return Optional.empty();
            }
        }
    }

    /**
     * Calls the bus once, without a retry.
     *
     * @param operation the operation
     * @param input the given values of its input; the bus adds the defaults
     * @return the answer, with any status
     * @throws Unreachable when no answer arrives
     */
    Answer call(Operation operation, ObjectNode input) throws Unreachable {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(settings.url() + target(operation, input)))
                .timeout(settings.timeout())
                .header("Accept", "application/json");
        settings.token().ifPresent(token -> request.header("Authorization", "Bearer " + token));
        request.method(operation.method(), body(operation, input, request));
        try {
            HttpResponse<byte[]> response = http.send(request.build(), BodyHandlers.ofByteArray());
            return new Answer(response.statusCode(), response.body());
        } catch (HttpConnectTimeoutException noRoad) {
            throw unreachable();
        } catch (HttpTimeoutException late) {
            throw new Unreachable("The bus at " + settings.url() + " has not answered within "
                    + settings.timeout().toSeconds() + " s; whether it has done it is not known.");
        } catch (IOException noRoad) {
            throw unreachable();
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
            throw new Unreachable("Stopped while waiting for the bus at " + settings.url() + ".");
        }
    }

    private Unreachable unreachable() {
        return new Unreachable("The bus at " + settings.url()
                + " cannot be reached; start it with ./agentbus run or ./agentbus demo, or name another with --url.");
    }

    private static String target(Operation operation, ObjectNode input) {
        String path = operation.path();
        List<String> query = new ArrayList<>();
        for (Input each : operation.inputs()) {
            JsonNode value = input.get(each.name());
            if (value == null) {
                continue;
            }
            if (each.in() == Input.In.PATH) {
                path = path.replace("{" + each.name() + "}", encoded(value.asText()));
            } else if (each.in() == Input.In.QUERY) {
                query.add(encoded(each.name()) + "=" + encoded(value.asText()));
            }
        }
        return query.isEmpty() ? path : path + "?" + String.join("&", query);
    }

    private static BodyPublisher body(Operation operation, ObjectNode input, HttpRequest.Builder request) {
        if (!operation.takesBody()) {
            return BodyPublishers.noBody();
        }
        ObjectNode body = JsonNodeFactory.instance.objectNode();
        for (Input each : operation.inputs()) {
            if (each.in() == Input.In.BODY && input.has(each.name())) {
                body.set(each.name(), input.get(each.name()));
            }
        }
        request.header("Content-Type", "application/json");
        return BodyPublishers.ofString(body.toString(), StandardCharsets.UTF_8);
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }
}
