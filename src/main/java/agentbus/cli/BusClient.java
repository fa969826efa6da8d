package agentbus.cli;

import agentbus.contract.Input;
import agentbus.contract.Operation;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.ConnectException;
import java.net.ProtocolException;
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
import java.security.cert.CertPathBuilderException;
import java.security.cert.CertificateException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;

/** Calls an operation of the bus over HTTP. */
final class BusClient {

    /** What the JDK says when the other side answers a TLS handshake in another protocol. */
    private static final Pattern NO_TLS = Pattern.compile("[Uu]nrecognized SSL message");

    private final Settings settings;
    private final HttpClient http;

    BusClient(Settings settings) {
        this.settings = settings;
        this.http = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(settings.timeout())
                .build();
    }

    /** No whole answer has come; the message says whether the call may have been done, and what to do. */
    static final class NoAnswer extends Exception {
        private static final long serialVersionUID = 1L;

        NoAnswer(String detail) {
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
     * @throws NoAnswer when no whole answer arrives
     */
    Answer call(Operation operation, ObjectNode input) throws NoAnswer {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(settings.url() + target(operation, input)))
                .timeout(settings.timeout())
                .header("Accept", "application/json");
        settings.token().ifPresent(token -> request.header("Authorization", "Bearer " + token));
        request.method(operation.method(), body(operation, input, request));
        try {
            HttpResponse<byte[]> response = http.send(request.build(), BodyHandlers.ofByteArray());
            Answer answer = new Answer(response.statusCode(), response.body());
            if (isJson(response) && answer.json().isEmpty()) {
                throw lost(operation, "its answer ends in the middle");
            }
            return answer;
        } catch (HttpConnectTimeoutException | ConnectException noConnection) {
            throw new NoAnswer(
                    "The bus at " + settings.url()
                            + " cannot be reached; start it with ./agentbus run or ./agentbus demo, or name another with --url.");
        } catch (HttpTimeoutException late) {
            throw lost(
                    operation,
                    "it has not answered within " + settings.timeout().toSeconds() + " s");
        } catch (SSLException tls) {
            throw noTls(operation, tls);
        } catch (IOException broken) {
            throw broken.getCause() instanceof ProtocolException || broken instanceof ProtocolException
                    ? new NoAnswer("The server at " + settings.url()
                            + " does not answer in HTTP, so this is no agentbus or something between has broken its"
                            + " answer; if it speaks TLS, use https://. " + then(operation))
                    : lost(operation, "the connection has broken before the whole answer came");
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
            throw lost(operation, "this command was stopped before the answer came");
        }
    }

    private static boolean isJson(HttpResponse<?> response) {
        return response.headers()
                .firstValue("Content-Type")
                .filter(type -> type.startsWith("application/json") || type.startsWith("application/problem+json"))
                .isPresent();
    }

    private NoAnswer lost(Operation operation, String what) {
        return new NoAnswer("No whole answer from the bus at " + settings.url() + ": " + what + ". " + then(operation));
    }

    private static String then(Operation operation) {
        return operation.method().equals("GET")
                ? "The call only reads, so repeat it."
                : "It is not known whether it was done: look before you repeat it. A close, and a call with"
                        + " --dedupe-key, may be repeated as they are.";
    }

    private NoAnswer noTls(Operation operation, SSLException failure) {
        Throwable root = failure;
        boolean certificate = false;
        while (root.getCause() != null) {
            root = root.getCause();
            certificate |= root instanceof CertificateException || root instanceof CertPathBuilderException;
        }
        String reason = String.valueOf(root.getMessage());
        if (certificate) {
            return new NoAnswer("The certificate of " + settings.url() + " is not accepted (" + reason
                    + "); nothing was sent. To trust its issuer, set"
                    + " AGENTBUS_JAVA_OPTS=-Djavax.net.ssl.trustStore=<file>.");
        }
        if (NO_TLS.matcher(reason).find()) {
            return new NoAnswer(
                    "The server at " + settings.url() + " does not speak TLS; nothing was sent. Use http:// instead.");
        }
        return failure instanceof SSLHandshakeException
                ? new NoAnswer(
                        "TLS with " + settings.url() + " failed (" + reason + "); the bus has not taken the call.")
                : lost(operation, "the TLS connection has broken before the whole answer came");
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
