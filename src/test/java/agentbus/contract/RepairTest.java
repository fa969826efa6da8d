package agentbus.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Reports of a gateway that were cut in the middle of a character, are too long, or have a number out of range. */
class RepairTest {
    private static final Contract CONTRACT = Contract.load();

    private ObjectNode read(String operation, String body) {
        Map<String, String> path =
                operation.equals("failJob") ? Map.of("jobId", "0190f5b8-2f4e-7cc1-8a61-6a0a3a3f9d10") : Map.of();
        return CONTRACT.operation(operation)
                .read(path, Map.of(), body.getBytes(StandardCharsets.UTF_8), "application/json");
    }

    @Test
    void a_report_of_a_gateway_is_repaired_and_not_refused() {
        String cut = "a".repeat(1999);
        ObjectNode input = read(
                "reportRunEnd",
                "{\"sessionKey\":\"agent:devops:job:x\\u0000\",\"success\":false,\"error\":\"" + cut
                        + "\\ud83d\",\"runId\":\"" + "r".repeat(300)
                        + "\",\"durationMs\":-5.4,\"usage\":{\"model\":\"m\\u0000\\udc00\",\"a\\u0000\":[\"\\ud83d\"]}}");

        assertEquals("agent:devops:job:x\ufffd", input.get("sessionKey").asText());
        assertEquals(cut + "\ufffd", input.get("error").asText());
        assertEquals(200, input.get("runId").asText().length());
        assertEquals("0", input.get("durationMs").toString());
        assertEquals("m\ufffd\ufffd", input.at("/usage/model").asText());
        assertEquals("\ufffd", input.at("/usage/a\ufffd/0").asText());
    }

    @Test
    void a_report_that_is_too_long_is_cut_at_a_whole_character() {
        ObjectNode end = read(
                "reportRunEnd",
                "{\"sessionKey\":\"agent:devops:job:x\",\"success\":false,\"error\":\"" + "a".repeat(1999)
                        + "\ud83d\ude00 and more\",\"durationMs\":99999999999999}");
        assertEquals("a".repeat(1999), end.get("error").asText());
        assertEquals(31_536_000_000L, end.get("durationMs").asLong());

        ObjectNode start = read(
                "reportGatewayStart",
                "{\"bootId\":\"" + "b".repeat(200) + "\",\"version\":\"2026\\u0000\",\"uptimeMs\":1.0}");
        assertEquals(100, start.get("bootId").asText().length());
        assertEquals("2026\ufffd", start.get("version").asText());
        assertEquals("1", start.get("uptimeMs").toString());
    }

    @Test
    void a_report_whose_bytes_end_in_half_a_character_is_repaired() {
        byte[] whole = "{\"sessionKey\":\"agent:devops:job:x\",\"success\":false,\"error\":\"\u00e9\"}"
                .getBytes(StandardCharsets.UTF_8);
        byte[] cut = new byte[whole.length - 1];
        System.arraycopy(whole, 0, cut, 0, cut.length - 2);
        cut[cut.length - 2] = '"';
        cut[cut.length - 1] = '}';

        ObjectNode input = CONTRACT.operation("reportRunEnd").read(Map.of(), Map.of(), cut, "application/json");

        assertEquals("\ufffd", input.get("error").asText());
    }

    @Test
    void a_report_of_an_agent_is_refused_as_ever() {
        Problem problem = assertThrows(Problem.class, () -> read("failJob", "{\"error\":\"\\ud83d\"}"));

        assertEquals("invalid_field", problem.code());
        assertEquals("error", problem.field());
        assertEquals("text without U+0000 and with whole characters", problem.expected());
    }
}
