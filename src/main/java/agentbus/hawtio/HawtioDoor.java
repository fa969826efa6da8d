package agentbus.hawtio;

import agentbus.calls.Problems;
import agentbus.contract.Problem;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Answers every request of the listener. Nothing is answered before the login: neither a file of Hawtio nor an unknown
 * path. Thread-safe.
 */
final class HawtioDoor implements HttpHandler {
    /** The name of this login, by which the command finds the listener. */
    static final String REALM = "agentbus operator";

    private static final String JOLOKIA = "/jolokia";
    /** Hawtio looks for Jolokia below its own address first. */
    private static final String BELOW_HAWTIO = "/hawtio" + JOLOKIA;

    private static final Pattern PORT = Pattern.compile(":\\d*$");
    private static final Set<String> NAMES = Set.of("localhost", "127.0.0.1", "[::1]");

    private static final int OK = 200;
    private static final int UNAUTHORIZED = 401;
    private static final int FORBIDDEN = 403;
    private static final int TOO_LARGE = 413;

    private final OperatorLogin login;
    private final Jolokia jolokia;
    private final HawtioFiles files;
    private final int maxBytes;
    private final Problems problems = new Problems();

    /**
     * The door of one node.
     *
     * @param login identifies operators
     * @param jolokia answers the requests at /jolokia
     * @param files answers all other requests
     * @param maxBytes the largest body
     */
    HawtioDoor(OperatorLogin login, Jolokia jolokia, HawtioFiles files, int maxBytes) {
        this.login = login;
        this.jolokia = jolokia;
        this.files = files;
        this.maxBytes = maxBytes;
    }

    @Override
    public void handle(HttpExchange exchange) throws IOException {
        try {
            protect(exchange.getResponseHeaders());
            answer(exchange);
        } catch (RuntimeException failed) {
            refuse(exchange, problems.of(failed));
        } finally {
            exchange.close();
        }
    }

    private void answer(HttpExchange exchange) throws IOException {
        Headers request = exchange.getRequestHeaders();
        requireOwnName(request.getFirst("Host"));
        JsonNode operator = login.operator(
                request.getFirst("Authorization"),
                exchange.getRemoteAddress().getAddress().getHostAddress());
        String path = exchange.getRequestURI().getPath();
        String jolokia = isBelow(path, BELOW_HAWTIO) ? BELOW_HAWTIO : JOLOKIA;
        if (isBelow(path, jolokia)) {
            requireOwnPage(request);
            send(exchange, OK, "application/json", asked(exchange, operator, path.substring(jolokia.length())));
        } else {
            files.answer(exchange, path);
        }
    }

    private static boolean isBelow(String path, String place) {
        return path.equals(place) || path.startsWith(place + "/");
    }

    private String asked(HttpExchange exchange, JsonNode operator, String path) throws IOException {
        String query = exchange.getRequestURI().getRawQuery();
        return switch (exchange.getRequestMethod()) {
            case "GET" -> jolokia.get(operator, path.replaceFirst("^/", ""), query);
            case "POST" -> jolokia.post(operator, body(exchange), query);
            default -> throw Problem.methodNotAllowed(exchange.getRequestMethod(), JOLOKIA, List.of("GET", "POST"));
        };
    }

    private byte[] body(HttpExchange exchange) throws IOException {
        byte[] body = exchange.getRequestBody().readNBytes(maxBytes + 1);
        if (body.length > maxBytes) {
            throw Problem.of(TOO_LARGE, "body_too_large", "The body is larger than " + maxBytes + " bytes.");
        }
        return body;
    }

    /**
     * Refuses a Host that is no name of this machine. A page of such a host, which its owner points here (DNS
     * rebinding), could otherwise act with the login that the browser keeps.
     */
    private static void requireOwnName(String host) {
        String name =
                host == null ? "" : PORT.matcher(host.toLowerCase(Locale.ROOT)).replaceFirst("");
        if (!NAMES.contains(name)) {
            throw new Problem(
                    FORBIDDEN,
                    "forbidden",
                    "This is no name of this machine.",
                    "Host",
                    JsonNodeFactory.instance.textNode(host),
                    "127.0.0.1, localhost or [::1]; from another machine use a tunnel, such as ssh -L");
        }
    }

    /** Refuses a call of a page of another site, because a browser adds the login to it by itself. */
    private static void requireOwnPage(Headers request) {
        String origin = request.getFirst("Origin");
        String site = request.getFirst("Sec-Fetch-Site");
        String own = "http://" + request.getFirst("Host").toLowerCase(Locale.ROOT);
        if (origin != null && !origin.toLowerCase(Locale.ROOT).equals(own)) {
            throw crossSite("Origin", origin);
        }
        if (site != null && !site.equals("same-origin") && !site.equals("none")) {
            throw crossSite("Sec-Fetch-Site", site);
        }
    }

    private static Problem crossSite(String header, String value) {
        return new Problem(
                FORBIDDEN,
                "cross_site",
                "This call comes from a page that is not Hawtio's.",
                header,
                JsonNodeFactory.instance.textNode(value),
                "a call of a page of this listener, or of a program that is no browser");
    }

    private static void protect(Headers response) {
        response.set("X-Content-Type-Options", "nosniff");
        response.set("Referrer-Policy", "no-referrer");
        response.set("Cache-Control", "no-store");
    }

    private static void refuse(HttpExchange exchange, Problem problem) throws IOException {
        Headers response = exchange.getResponseHeaders();
        if (problem.status() == UNAUTHORIZED) {
            response.set("WWW-Authenticate", "Basic realm=\"" + REALM + "\", charset=\"UTF-8\"");
        }
        if (problem.retryAfterSeconds() > 0) {
            response.set("Retry-After", Long.toString(problem.retryAfterSeconds()));
        }
        send(
                exchange,
                problem.status(),
                "application/problem+json",
                problem.toJson().toString());
    }

    private static void send(HttpExchange exchange, int status, String type, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", type);
        if (exchange.getRequestMethod().equals("HEAD")) {
            exchange.sendResponseHeaders(status, -1);
        } else {
            exchange.sendResponseHeaders(status, bytes.length);
            exchange.getResponseBody().write(bytes);
        }
    }
}
