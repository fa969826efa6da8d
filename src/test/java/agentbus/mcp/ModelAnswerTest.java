package agentbus.mcp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.text.Json;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class ModelAnswerTest {
    private static ObjectNode fitted(ObjectNode answer) {
        ObjectNode fitted = ModelAnswer.fit(answer);
        String once = fitted.toString();
        String result = once + Json.object().put("text", once);
        int bytes = result.getBytes(StandardCharsets.UTF_8).length;
        assertTrue(bytes < ModelAnswer.MOST_BYTES, () -> bytes + " bytes: " + once);
        return fitted;
    }

    @Test
    void a_short_answer_stays_as_it_is() {
        ObjectNode answer = Json.object().put("jobId", "j").put("summary", "s".repeat(10_000));

        assertEquals(answer.deepCopy(), fitted(answer));
    }

    @Test
    void the_longest_text_is_cut_at_whole_characters_and_named() {
        ObjectNode answer = Json.object().put("jobId", "j");
        answer.putObject("payload")
                .put("text", "\uD83D\uDE00\"ä".repeat(60_000))
                .put("n", 1);

        ObjectNode fitted = fitted(answer);

        String text = fitted.at("/payload/text").asText();
        assertTrue(text.length() > 3_000, text.length() + " characters");
        assertTrue(StandardCharsets.UTF_8.newEncoder().canEncode(text));
        assertEquals(1, fitted.at("/payload/n").asInt());
        assertTrue(
                fitted.at("/leftOut/0").asText().matches("payload\\.text: \\d+ of 240000 characters are left out"),
                fitted.at("/leftOut").toString());
    }

    @Test
    void the_oldest_items_of_a_list_go_first() {
        ObjectNode answer = Json.object();
        ArrayNode jobs = answer.putArray("jobs");
        ArrayNode attempts = answer.putArray("attempts");
        for (int i = 0; i < 100; i++) {
            jobs.addObject().put("seq", 1000 - i).put("summary", "s".repeat(300));
            attempts.addObject().put("attemptNo", i + 1).put("error", "e".repeat(500));
        }

        ObjectNode fitted = fitted(answer);

        assertEquals(1000, fitted.at("/jobs/0/seq").asInt());
        ArrayNode shown = (ArrayNode) fitted.get("attempts");
        assertTrue(shown.size() < 100);
        assertEquals(100, shown.get(shown.size() - 1).get("attemptNo").asInt());
        assertTrue(fitted.get("leftOut").toString().contains(" of 100 entries are left out"));
    }

    @Test
    void many_small_fields_are_left_out_as_a_whole() {
        ObjectNode answer = Json.object().put("jobId", "j");
        ObjectNode payload = answer.putObject("payload");
        for (int i = 0; i < 20_000; i++) {
            payload.put("field" + i, i);
        }

        assertEquals(
                "[\"payload: 316671 bytes are left out\"]",
                fitted(answer).get("leftOut").toString().replaceAll("\\d{6}", "316671"));
        assertEquals("j", answer.get("jobId").asText());
    }
}
