package agentbus.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Times and numbers that the schema allows and that Postgres or an answer could not hold. */
class ValueRangeTest {
    private static final Contract CONTRACT = Contract.load();

    private ObjectNode read(String operation, String body) {
        Map<String, String> path =
                operation.equals("completeJob") ? Map.of("jobId", "0190f5b8-2f4e-7cc1-8a61-6a0a3a3f9d10") : Map.of();
        return CONTRACT.operation(operation)
                .read(path, Map.of(), body.getBytes(StandardCharsets.UTF_8), "application/json");
    }

    private Problem refused(String operation, String body) {
        return assertThrows(Problem.class, () -> read(operation, body));
    }

    @ParameterizedTest
    @CsvSource({
        "0001-01-01T00:00:00Z,true",
        "0001-01-01T00:00:00+00:01,false",
        "9999-12-31T23:59:59Z,true",
        "9999-12-31T23:59:59-00:01,false",
        "0000-12-31T23:59:59-12:00,true"
    })
    void a_time_lies_in_a_year_of_four_digits_in_utc(String time, boolean taken) {
        String body = "{\"targetAgent\":\"a\",\"subject\":\"b\",\"runAfter\":\"" + time + "\"}";
        if (taken) {
            assertEquals(time, read("enqueueJob", body).get("runAfter").asText());
        } else {
            assertEquals("runAfter", refused("enqueueJob", body).field());
        }
    }

    @Test
    void numbers_that_grow_when_they_are_written_out_are_refused_with_field_and_size() {
        String payload = "{\"a\":[" + "1e999,".repeat(42_999) + "1e999]}";
        Problem problem = refused("emitEvent", "{\"topic\":\"a\",\"payload\":" + payload + "}");
        assertEquals("invalid_field payload", problem.code() + " " + problem.field());
        assertEquals("numbers that grow by at most 262144 bytes when they are written out", problem.expected());
        assertTrue(
                problem.detail().startsWith("payload is 43043007 bytes when its numbers are written out"),
                problem.detail());
        assertEquals(
                "followUps",
                refused(
                                "completeJob",
                                "{\"summary\":\"s\",\"followUps\":[{\"targetAgent\":\"a\",\"subject\":\"b\",\"payload\":"
                                        + payload + "}]}")
                        .field());
        read(
                "emitEvent",
                "{\"topic\":\"a\",\"payload\":{\"a\":[" + "1e-7,0.1,1E5,-1.5e300,".repeat(500) + "0e999,-0]}}");
    }
}
