package agentbus.docs;

import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The dashboard of Grafana. */
public final class Dashboard {
    private static final Path FILE = Path.of("ops/grafana/agentbus-dashboard.json");

    private final JsonNode json;

    private Dashboard(JsonNode json) {
        this.json = json;
    }

    /** Reads the file. */
    public static Dashboard read() {
        try {
            return new Dashboard(Json.read(Files.readString(FILE)));
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    JsonNode json() {
        return json;
    }

    /** The expressions of all panels and annotations, with Grafana's variables replaced by values. */
    public List<String> expressions() {
        return json.findValues("expr").stream()
                .map(expression ->
                        expression.asText().replace("$__rate_interval", "1m").replace("$namespace", ".*"))
                .toList();
    }
}
