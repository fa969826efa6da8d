package agentbus.http;

import agentbus.contract.Problem;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.vertx.core.http.Cookie;
import io.vertx.core.http.HttpServerRequest;
import java.net.URI;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The rule for calls with the cookie of the console: only the console's own pages may make them. A browser sends the
 * cookie by itself, so the cookie alone does not show that the person wanted the call. Thread-safe.
 */
public final class SameOrigin {
    private static final int HTTP = 80;
    private static final int HTTPS = 443;
    private static final Pattern PORT = Pattern.compile(":(\\d+)$");

    private static final String EXPECTED =
            "Sec-Fetch-Site: same-origin or an Origin of the bus, and for all but GET an Origin of the bus; browsers send"
                    + " Sec-Fetch-Site only to localhost and over https";

    private final String publicOrigin;
    private final String cookie;

    /**
     * The rule of one bus.
     *
     * @param publicUrl the address by which people reach the bus through a proxy
     */
    public SameOrigin(String publicUrl) {
        this.publicOrigin = Origins.of(publicUrl);
        URI url = URI.create(publicUrl);
        // Not getPort, which is -1 for a host name with an underscore.
        Matcher given = PORT.matcher(url.getRawAuthority());
        int port = given.find()
                ? Integer.parseInt(given.group(1))
                : "https".equalsIgnoreCase(url.getScheme()) ? HTTPS : HTTP;
        this.cookie = "agentbus_session_" + port;
    }

    /**
     * The name of the cookie that holds a session. A browser sends a cookie to every port of a host, so the name has
     * the port of the public URL: two buses on one host keep a session each.
     */
    public String cookie() {
        return cookie;
    }

    /**
     * The cookie of a session.
     *
     * @param request a request
     * @return the cookie's value; empty when the request has none
     */
    public Optional<String> session(HttpServerRequest request) {
        return Optional.ofNullable(request.getCookie(cookie)).map(Cookie::getValue);
    }

    /**
     * Refuses a request that does not come from a page of this bus.
     *
     * @param request a request with the cookie, or one that asks for it
     * @throws Problem 403 {@code cross_site}
     */
    public void require(HttpServerRequest request) {
        String site = request.getHeader("Sec-Fetch-Site");
        List<String> origins = request.headers().getAll("Origin");
        boolean reads =
                request.method().name().equals("GET") || request.method().name().equals("HEAD");
        for (String origin : origins) {
            if (!isOwn(origin, request)) {
                throw refused("Origin", origin);
            }
        }
        if (site != null && !site.equals("same-origin")) {
            throw refused("Sec-Fetch-Site", site);
        }
        if (origins.isEmpty() && (site == null || !reads)) {
            throw refused("Origin", null);
        }
    }

    /** The page's own origin is that of the public URL, or the host that this request was sent to. */
    private boolean isOwn(String origin, HttpServerRequest request) {
        String given = origin.toLowerCase(Locale.ROOT);
        String host = request.getHeader("Host");
        return given.equals(publicOrigin) || host != null && given.equals("http://" + host.toLowerCase(Locale.ROOT));
    }

    private static Problem refused(String header, String value) {
        return new Problem(
                403,
                "cross_site",
                "This call has the cookie of the console, and does not come from a page of the console.",
                header,
                value == null ? null : JsonNodeFactory.instance.textNode(value),
                EXPECTED);
    }
}
