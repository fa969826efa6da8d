package agentbus.cli;

import agentbus.contract.Input;
import agentbus.contract.Operation;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.ConnectException;
import java.net.HttpURLConnection;
import java.net.NoRouteToHostException;
import java.net.ProtocolException;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.security.cert.CertPathBuilderException;
import java.security.cert.CertificateException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;

/**
 * Calls an operation of the bus over HTTP, with the JDK's oldest client: the newer one takes longer to build than the call
 * takes (docs/performance.md).
 */
final class BusClient {

    /** What the JDK says when the other side answers a TLS handshake in another protocol. */
    private static final Pattern NO_TLS = Pattern.compile("[Uu]nrecognized SSL message");

    static {
        // Else the JDK repeats a POST whose connection breaks, and the bus may have done it.
        System.setProperty("sun.net.http.retryPost", "false");
    }

    private final Settings settings;

    BusClient(Settings settings) {
        this.settings = settings;
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
        try {
            HttpURLConnection connection = connected(operation, input);
            Answer answer = answer(connection);
            if (isJson(connection) && answer.json().isEmpty()) {
                throw lost(operation, "its answer ends in the middle");
            }
            return answer;
        } catch (SocketTimeoutException late) {
            throw lost(
                    operation,
                    "it has not answered within " + settings.timeout().toSeconds() + " s");
        } catch (SSLException tls) {
            throw noTls(operation, tls);
        } catch (ProtocolException strange) {
            throw new NoAnswer("The server at " + settings.url()
                    + " does not answer in HTTP, so this is no agentbus or something between has broken its"
                    + " answer; if it speaks TLS, use https://. " + then(operation));
        } catch (IOException broken) {
            throw lost(operation, "the connection has broken before the whole answer came");
        }
    }

    /** Connects and sends the call. */
    private HttpURLConnection connected(Operation operation, ObjectNode input) throws IOException, NoAnswer {
        HttpURLConnection connection = (HttpURLConnection)
                URI.create(settings.url() + target(operation, input)).toURL().openConnection();
        int timeout = Math.toIntExact(Math.min(settings.timeout().toMillis(), Integer.MAX_VALUE));
        connection.setConnectTimeout(timeout);
        connection.setReadTimeout(timeout);
        connection.setInstanceFollowRedirects(false);
        connection.setUseCaches(false);
        connection.setRequestMethod(operation.method());
        connection.setRequestProperty("Accept", "application/json");
        settings.token().ifPresent(token -> connection.setRequestProperty("Authorization", "Bearer " + token));
        if (operation.takesBody()) {
            connection.setRequestProperty("Content-Type", "application/json");
            connection.setDoOutput(true);
        }
        try {
            connection.connect();
        } catch (ConnectException | UnknownHostException | NoRouteToHostException | SocketTimeoutException none) {
            throw new NoAnswer(
                    "The bus at " + settings.url()
                            + " cannot be reached; start it with ./agentbus run or ./agentbus demo, or name another with --url.");
        }
        if (operation.takesBody()) {
            try (OutputStream body = connection.getOutputStream()) {
                body.write(body(operation, input));
            }
        }
        return connection;
    }

    private static Answer answer(HttpURLConnection connection) throws IOException {
        int status = connection.getResponseCode();
        if (status < 0) {
            throw new ProtocolException("no status line");
        }
        // The JDK takes a head that ends early for a whole one, too.
        if (connection.getHeaderFieldKey(1) == null) {
            throw new EOFException("the head ends early");
        }
        try (InputStream body = status < 400 ? connection.getInputStream() : connection.getErrorStream()) {
            byte[] read = body == null ? new byte[0] : body.readAllBytes();
            // The JDK takes a body that ends early for the whole one.
            if (connection.getContentLengthLong() > read.length) {
                throw new EOFException("the body ends early");
            }
            return new Answer(status, read);
        }
    }

    private static boolean isJson(HttpURLConnection connection) {
        String type = connection.getContentType();
        return type != null && (type.startsWith("application/json") || type.startsWith("application/problem+json"));
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

    private static byte[] body(Operation operation, ObjectNode input) {
        ObjectNode body = JsonNodeFactory.instance.objectNode();
        for (Input each : operation.inputs()) {
            if (each.in() == Input.In.BODY && input.has(each.name())) {
                body.set(each.name(), input.get(each.name()));
            }
        }
        return body.toString().getBytes(StandardCharsets.UTF_8);
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }
}
