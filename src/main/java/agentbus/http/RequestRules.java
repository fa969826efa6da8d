package agentbus.http;

import agentbus.contract.Problem;
import agentbus.settings.HttpAddress;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.RoutingContext;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/** The rules for the path, the Host and, for {@code /observe}, the token of every request. Thread-safe. */
final class RequestRules {
    /**
     * An empty, {@code .} or {@code ..} segment, a backslash, or an encoded slash. The server resolves such a path to
     * another one, which a proxy that compares beginnings of paths has not seen.
     */
    private static final Pattern UNCLEAR_PATH =
            Pattern.compile("//|\\\\|%2f|%5c|/(\\.|%2e){1,2}(/|$)", Pattern.CASE_INSENSITIVE);

    private static final Pattern IP_ADDRESS = Pattern.compile("\\[[0-9a-f:.]+]|\\d{1,3}(\\.\\d{1,3}){3}");
    private static final Pattern PORT = Pattern.compile(":\\d*$");
    private static final String OBSERVE = "/observe";
    private static final String BEARER = "Bearer ";

    private final Set<String> names = new HashSet<>(Set.of("localhost"));
    private final boolean everywhere;
    private final byte[] observeToken;

    /**
     * The rules of one server.
     *
     * @param address the server's address; its host and the host of its public URL are names of this bus
     * @param moreNames further names of this bus. If there are any, Host is checked at every address, otherwise only at
     *     loopback addresses.
     * @param observeToken the token for /observe; empty if none is needed
     */
    RequestRules(HttpAddress address, List<String> moreNames, String observeToken) {
        names.add(address.host().toLowerCase(Locale.ROOT));
        names.add(PORT.matcher(URI.create(address.publicUrl()).getRawAuthority().toLowerCase(Locale.ROOT))
                .replaceFirst(""));
        // Debian resolves the machine's own name to 127.0.1.1, a loopback address. Nobody else can use this name.
        String machine = HttpAddress.machineName().toLowerCase(Locale.ROOT);
        names.add(machine);
        names.add(machine.replaceFirst("\\..*", ""));
        moreNames.forEach(name -> names.add(name.toLowerCase(Locale.ROOT)));
        this.everywhere = !moreNames.isEmpty();
        this.observeToken = observeToken.getBytes(StandardCharsets.UTF_8);
    }

    /**
     * Checks a request.
     *
     * @param call the request
     * @throws Problem 403 for a foreign Host, 404 for an unclear path, 401 for /observe without its token
     */
    void check(RoutingContext call) {
        HttpServerRequest request = call.request();
        if (everywhere || isLoopback(request.localAddress().hostAddress())) {
            request.headers().getAll("Host").forEach(this::requireOwnName);
        }
        requireClear(request);
        // The normalized path is the one by which the server finds its pages; it has no %-escapes of letters.
        String page = call.normalizedPath();
        if (observeToken.length > 0 && (page.equals(OBSERVE) || page.startsWith(OBSERVE + "/"))) {
            requireObserveToken(request.getHeader("Authorization"));
        }
    }

    /**
     * Refuses a Host that is no name of this bus. A page of such a host, which its owner points at this machine (DNS
     * rebinding), could read the bus in a browser. Nobody can point an IP address elsewhere, so these are accepted.
     */
    private void requireOwnName(String host) {
        String name = PORT.matcher(host.toLowerCase(Locale.ROOT)).replaceFirst("");
        if (names.contains(name)
                || name.endsWith(".localhost")
                || IP_ADDRESS.matcher(name).matches()) {
            return;
        }
        throw new Problem(
                403,
                "forbidden",
                "This is no name of the bus.",
                "Host",
                JsonNodeFactory.instance.textNode(host),
                "localhost, an IP address, the name of this machine, the host of agentbus.http.public-url, or one of"
                        + " agentbus.http.allowed-hosts");
    }

    private static void requireClear(HttpServerRequest request) {
        String path = request.path();
        if (path != null && UNCLEAR_PATH.matcher(path).find()) {
            throw new Problem(
                    404,
                    "no_such_operation",
                    "A path has no empty segment, no . or .. segment and no encoded slash.",
                    null,
                    JsonNodeFactory.instance.textNode(request.method() + " " + path),
                    "a path without //, /./, /../, \\, %2F and %5C");
        }
    }

    private void requireObserveToken(String authorization) {
        String expected = "Authorization: Bearer <the token of agentbus.observe.token>";
        if (authorization == null || authorization.isBlank()) {
            throw new Problem(401, "missing_token", "This call has no token.", "Authorization", null, expected);
        }
        String given = authorization.regionMatches(true, 0, BEARER, 0, BEARER.length())
                ? authorization.substring(BEARER.length()).strip()
                : "";
        // The comparison takes the same time for every guess, so its time reveals nothing.
        if (!MessageDigest.isEqual(observeToken, given.getBytes(StandardCharsets.UTF_8))) {
            throw new Problem(
                    401, "invalid_token", "The token is not that of /observe.", "Authorization", null, expected);
        }
    }

    private static boolean isLoopback(String ip) {
        try {
            return InetAddress.getByName(ip).isLoopbackAddress();
        } catch (UnknownHostException noAddress) {
            // A socket has an IP address; without one, the stricter rule applies.
            return true;
        }
    }
}
