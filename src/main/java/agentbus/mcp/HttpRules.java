package agentbus.mcp;

import agentbus.contract.Operation;
import agentbus.contract.Problem;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.modelcontextprotocol.server.transport.DefaultServerTransportSecurityValidator;
import io.modelcontextprotocol.server.transport.HeaderAccessor;
import io.modelcontextprotocol.server.transport.ServerHttpHeaderValidator;
import io.modelcontextprotocol.server.transport.ServerTransportSecurityException;
import io.modelcontextprotocol.spec.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import java.util.List;
import java.util.Locale;

/** What Streamable HTTP asks of a request before its message is looked at. */
final class HttpRules {
    private static final String ANSWERS = "application/json, text/event-stream";
    private static final List<String> ANSWERED = List.of("application/json", "application/*", "*/*");

    private final ServerHttpHeaderValidator origins;
    private final List<String> versions;

    /** One Origin header, as the SDK's check wants to be asked: with several, each must pass. */
    private record Origin(String value) implements HeaderAccessor {
        @Override
        public List<String> getHeader(String name) {
            return name.equalsIgnoreCase("Origin") ? List.of(value) : List.of();
        }

        @Override
        public List<String> getHeaderNames() {
            return List.of("Origin");
        }
    }

    /**
     * Rules for one address.
     *
     * @param publicUrl where agents reach the door; a page from there may call it, as may pages from this machine
     * @param versions the protocol versions that are spoken
     */
    HttpRules(String publicUrl, List<String> versions) {
        this.origins = DefaultServerTransportSecurityValidator.builder()
                .allowedOrigins(List.of("http://localhost:*", "http://127.0.0.1:*", "http://[::1]:*"))
                .allowedOrigins(List.of("https://localhost:*", "https://127.0.0.1:*", "https://[::1]:*"))
                .allowedOrigin(origin(publicUrl))
                .build();
        this.versions = List.copyOf(versions);
    }

    /**
     * Checks a request.
     *
     * @param request the request
     * @throws Problem 403, 405, 406, 415, or 400 for a version of the protocol that is not spoken
     */
    void check(HttpServerRequest request) {
        checkOrigin(request.headers().getAll("Origin"));
        if (!request.method().name().equals("POST")) {
            throw Problem.methodNotAllowed(request.method().name(), request.path(), List.of("POST"));
        }
        checkAccept(request.headers().getAll("Accept"));
        Operation.requireJson(request.getHeader("Content-Type"));
        String version = request.getHeader(HttpHeaders.PROTOCOL_VERSION);
        if (version != null && !versions.contains(version)) {
            String expected = "one of: " + String.join(", ", versions);
            throw Problem.invalidField(
                    HttpHeaders.PROTOCOL_VERSION,
                    JsonNodeFactory.instance.textNode(version),
                    "This version of the protocol is not spoken here.",
                    expected);
        }
    }

    /** A browser says where its page is from: one from elsewhere that has reached us by a name made to point here is refused. */
    private void checkOrigin(List<String> given) {
        for (String origin : given) {
            try {
                origins.validate(new Origin(origin));
            } catch (ServerTransportSecurityException foreign) {
                throw new Problem(
                        foreign.getStatusCode(),
                        "forbidden",
                        "A page of this origin may not call the bus.",
                        "Origin",
                        JsonNodeFactory.instance.textNode(origin),
                        "no Origin, or one of this machine");
            }
        }
    }

    private static void checkAccept(List<String> given) {
        if (given.isEmpty()) {
            return;
        }
        String all = String.join(",", given);
        for (String range : all.toLowerCase(Locale.ROOT).split(",")) {
            if (ANSWERED.contains(range.split(";", 2)[0].trim())) {
                return;
            }
        }
        throw new Problem(
                406,
                "not_acceptable",
                "The answer is application/json, which Accept does not name.",
                "Accept",
                JsonNodeFactory.instance.textNode(all),
                ANSWERS);
    }

    private static String origin(String url) {
        return url.replaceFirst("^([a-z]+://[^/]+).*", "$1");
    }
}
