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

/** Checks a request against the rules of MCP's Streamable HTTP, before the message in its body is read. */
final class HttpRules {
    private static final String ANSWERS = "application/json, text/event-stream";
    private static final List<String> ANSWERED = List.of("application/json", "application/*", "*/*");

    private final ServerHttpHeaderValidator origins;
    private final List<String> versions;

    /** One Origin header, in the form that the SDK's check takes. If a request has several, each must pass. */
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
     * The rules for one address.
     *
     * @param publicUrl the address by which agents reach the bus; pages from that address and from this machine may
     *     call the endpoint
     * @param versions the supported protocol versions
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
     * @throws Problem 403, 405, 406, 415, or 400 for an unsupported protocol version
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

    /**
     * Refuses pages from other origins, which can reach the bus through a host name that an attacker points at it (DNS
     * rebinding). Browsers send the origin of a page.
     */
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
