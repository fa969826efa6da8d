package agentbus.door;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
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
record Answer(int status, HttpHeaders headers, String text) {
    private static final ObjectMapper JSON = new ObjectMapper();

    static Answer of(HttpResponse<String> response) {
        return new Answer(response.statusCode(), response.headers(), response.body());
    }

    static Answer of(int status, Map<String, java.util.List<String>> headers, String text) {
        return new Answer(status, HttpHeaders.of(headers, (name, value) -> true), text);
    }

    String header(String name) {
        return headers.firstValue(name).orElse(null);
    }

    JsonNode json() {
        try {
            return JSON.readTree(text);
        } catch (JsonProcessingException notJson) {
            throw new AssertionError(status + " with no JSON: " + text, notJson);
        }
    }

    /** The status, and the problem's code and field where there is one. */
    String brief() {
        return status == 200
                ? "200"
                : (status + " " + json().path("code").asText() + " "
                                + json().path("field").asText())
                        .strip();
    }
}
