package agentbus.harness;

import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.net.http.HttpHeaders;
import java.net.http.HttpResponse;
import java.util.Map;

/**
 * One HTTP answer of the bus.
 *
 * @param status the HTTP status
 * @param headers its headers
 * @param text its body
 */
public record Answer(int status, HttpHeaders headers, String text) {

    /** An answer from a client's response. */
    public static Answer of(HttpResponse<String> response) {
        return new Answer(response.statusCode(), response.headers(), response.body());
    }

    /** An answer from its parts. */
    public static Answer of(int status, Map<String, java.util.List<String>> headers, String text) {
        return new Answer(status, HttpHeaders.of(headers, (name, value) -> true), text);
    }

    /** The first value of a header; null when it is absent. */
    public String header(String name) {
        return headers.firstValue(name).orElse(null);
    }

    /** The body as JSON; fails the test when it is not JSON. */
    public JsonNode json() {
        try {
            return Json.read(text);
        } catch (JsonProcessingException notJson) {
            throw new AssertionError(status + " with no JSON: " + text, notJson);
        }
    }

    /** The status, with the code and the field of a problem. */
    public String brief() {
        return status == 200
                ? "200"
                : (status + " " + json().path("code").asText() + " "
                                + json().path("field").asText())
                        .strip();
    }
}
