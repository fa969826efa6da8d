package agentbus.harness;

import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.net.http.HttpHeaders;
import java.net.http.HttpResponse;
import java.util.Map;

/**
 * One answer of the door.
 *
 * @param status the HTTP status
 * @param headers its headers
 * @param text its body
 */
public record Answer(int status, HttpHeaders headers, String text) {

    /** The answer that a client received. */
    public static Answer of(HttpResponse<String> response) {
        return new Answer(response.statusCode(), response.headers(), response.body());
    }

    /** The answer made of its parts. */
    public static Answer of(int status, Map<String, java.util.List<String>> headers, String text) {
        return new Answer(status, HttpHeaders.of(headers, (name, value) -> true), text);
    }

    /** The first value of a header; null when it is not there. */
    public String header(String name) {
        return headers.firstValue(name).orElse(null);
    }

    /** The body as JSON; fails the test when it is none. */
    public JsonNode json() {
        try {
            return Json.read(text);
        } catch (JsonProcessingException notJson) {
            throw new AssertionError(status + " with no JSON: " + text, notJson);
        }
    }

    /** The status, and the problem's code and field where there is one. */
    public String brief() {
        return status == 200
                ? "200"
                : (status + " " + json().path("code").asText() + " "
                                + json().path("field").asText())
                        .strip();
    }
}
