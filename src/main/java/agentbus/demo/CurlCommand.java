package agentbus.demo;

import java.net.URI;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * The HTTP request that a {@code curl} command line makes.
 *
 * @param method the HTTP method
 * @param url the address
 * @param headers the headers in their order, including those that curl adds for a body
 * @param body the body, empty if there is none
 * @param maxTime the longest time for the whole request, empty for no limit
 */
public record CurlCommand(
        String method, URI url, List<Header> headers, Optional<String> body, Optional<Duration> maxTime) {

    /**
     * A header.
     *
     * @param name its name
     * @param value its value
     */
    public record Header(String name, String value) {}

    /** Copies the headers. */
    public CurlCommand {
        headers = List.copyOf(headers);
    }

    /**
     * The value of a header.
     *
     * @param name its name, in any case
     * @return the first value, empty if there is no such header
     */
    public Optional<String> header(String name) {
        return headers.stream()
                .filter(header -> header.name().equalsIgnoreCase(name))
                .map(Header::value)
                .findFirst();
    }

    /**
     * The request with a different body.
     *
     * @param newBody the body in place of the command's own
     * @return the request for the JDK's client
     * @throws IllegalArgumentException if the JDK's client refuses the address, the method or a header
     */
    public HttpRequest toRequest(String newBody) {
        HttpRequest.Builder request = HttpRequest.newBuilder(url)
                .method(method, HttpRequest.BodyPublishers.ofString(newBody, StandardCharsets.UTF_8));
        headers.forEach(header -> request.header(header.name(), header.value()));
        maxTime.ifPresent(request::timeout);
        return request.build();
    }

    /** Keeps headers and body, which carry tokens, out of logs. */
    @Override
    public String toString() {
        return "curl " + method + " " + url;
    }
}
