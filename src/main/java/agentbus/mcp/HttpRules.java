package agentbus.mcp;

import agentbus.contract.Operation;
import agentbus.contract.Problem;
import agentbus.http.Origins;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.vertx.core.http.HttpServerRequest;
import java.util.List;
import java.util.Locale;

/** Checks a request against the rules of MCP's Streamable HTTP, before the message in its body is read. */
final class HttpRules {
    private static final String ANSWERS = "application/json, text/event-stream";
    private static final List<String> ANSWERED = List.of("application/json", "application/*", "*/*");

    private final Origins origins;

    /**
     * The rules for one address.
     *
     * @param origins the origins whose pages may call the endpoint
     */
    HttpRules(Origins origins) {
        this.origins = origins;
    }

    /**
     * Checks a request.
     *
     * @param request the request
     * @throws Problem 403, 405, 406 or 415
     */
    void check(HttpServerRequest request) {
        checkOrigin(request.headers().getAll("Origin"));
        if (!request.method().name().equals("POST")) {
            throw Problem.methodNotAllowed(request.method().name(), request.path(), List.of("POST"));
        }
        checkAccept(request.headers().getAll("Accept"));
        Operation.requireJson(request.getHeader("Content-Type"));
    }

    /**
     * Refuses pages from other origins, which can reach the bus through a host name that an attacker points at it (DNS
     * rebinding). Browsers send the origin of a page.
     */
    private void checkOrigin(List<String> given) {
        for (String origin : given) {
            if (!origins.allowed(origin)) {
                throw new Problem(
                        403,
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
}
