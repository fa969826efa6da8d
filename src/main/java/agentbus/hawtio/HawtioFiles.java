package agentbus.hawtio;

import agentbus.contract.Problem;
import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * The files of Hawtio, from its jar on the class path, and the few answers that Hawtio expects of its server. Thread-safe.
 */
final class HawtioFiles {
    /** The path of Hawtio's first page. */
    static final String BASE = "/hawtio/";

    private static final String ROOT = "/hawtio-static/";
    private static final String INDEX = "index.html";
    /** The folder of files whose names have a hash of their content. */
    private static final String HASHED = "static/";

    /** Segments of ordinary names; no name begins with a dot, so no path leaves the folder. */
    private static final Pattern FILE =
            Pattern.compile("([A-Za-z0-9_@-][A-Za-z0-9_.@-]*/)*[A-Za-z0-9_@-][A-Za-z0-9_.@-]*");
    /** A path of a page has no dot; the page itself is made in the browser. */
    private static final Pattern PAGE = Pattern.compile("[A-Za-z0-9_/-]*");

    private static final Map<String, String> TYPES = Map.ofEntries(
            Map.entry("html", "text/html; charset=utf-8"),
            Map.entry("js", "text/javascript; charset=utf-8"),
            Map.entry("css", "text/css; charset=utf-8"),
            Map.entry("json", "application/json"),
            Map.entry("svg", "image/svg+xml"),
            Map.entry("png", "image/png"),
            Map.entry("gif", "image/gif"),
            Map.entry("jpg", "image/jpeg"),
            Map.entry("ico", "image/x-icon"),
            Map.entry("woff", "font/woff"),
            Map.entry("woff2", "font/woff2"),
            Map.entry("ttf", "font/ttf"));

    /**
     * The answers of Hawtio's own server, by the path below {@link #BASE}. Nobody logs in to Hawtio itself, because the
     * browser has logged in already; it has no plugins but its own, and no proxy.
     */
    private static final Map<String, String> ANSWERS = Map.of(
            "user", "\"public\"",
            "plugin", "[]",
            "proxy/enabled", "false",
            "keycloak/enabled", "false",
            "auth/config", "{}",
            "auth/config/login", "[]",
            "auth/config/oidc", "{}",
            "auth/config/session-timeout", "{}",
            "preset-connections", "[]");

    /** Hawtio styles its page by scripts, and its editor makes workers of its own. */
    private static final String POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
            + " font-src 'self' data:; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self';"
            + " frame-ancestors 'none'";

    private static final int OK = 200;
    private static final int FOUND = 302;
    private static final int NOT_FOUND = 404;

    /**
     * Answers a request that is not for Jolokia.
     *
     * @param exchange the request of an operator
     * @param path its decoded path
     * @throws IOException when the browser hangs up
     * @throws Problem 404 for an unknown path, 405 for a method other than GET and HEAD
     */
    void answer(HttpExchange exchange, String path) throws IOException {
        String method = exchange.getRequestMethod();
        if (!method.equals("GET") && !method.equals("HEAD")) {
            throw Problem.methodNotAllowed(method, path, List.of("GET", "HEAD"));
        }
        Headers response = exchange.getResponseHeaders();
        if (path.equals("/") || path.equals(BASE.substring(0, BASE.length() - 1))) {
            response.set("Location", BASE);
            exchange.sendResponseHeaders(FOUND, -1);
            return;
        }
        String name = path.startsWith(BASE) ? path.substring(BASE.length()) : "..";
        byte[] bytes;
        if (ANSWERS.containsKey(name)) {
            response.set("Content-Type", TYPES.get("json"));
            bytes = ANSWERS.get(name).getBytes(StandardCharsets.UTF_8);
        } else {
            String file = PAGE.matcher(name).matches() ? INDEX : name;
            bytes = read(file, path);
            response.set(
                    "Content-Type", TYPES.getOrDefault(file.replaceFirst(".*\\.", ""), "application/octet-stream"));
            response.set("Content-Security-Policy", POLICY);
            if (file.startsWith(HASHED)) {
                response.set("Cache-Control", "private, max-age=86400");
            }
        }
        if (method.equals("HEAD")) {
            exchange.sendResponseHeaders(OK, -1);
        } else {
            exchange.sendResponseHeaders(OK, bytes.length);
            exchange.getResponseBody().write(bytes);
        }
    }

    private static byte[] read(String file, String path) throws IOException {
        if (FILE.matcher(file).matches()) {
            try (InputStream in = HawtioFiles.class.getResourceAsStream(ROOT + file)) {
                if (in != null) {
                    return in.readAllBytes();
                }
            }
        }
        throw Problem.of(
                NOT_FOUND, "no_such_operation", "Hawtio has no file " + path + "; its first page is " + BASE + ".");
    }
}
