package agentbus.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class OperationReadTest {
    private static final String JOB = "0190f5b8-2f4e-7cc1-8a61-6a0a3a3f9d10";
    private static final String JSON = "application/json";
    private static final String NAME =
            "a name of lower case letters, digits and hyphens, a letter first, at most 63 characters";
    private static final String TIME = "a time with its offset, such as 2026-01-31T09:00:00Z";
    private static final Contract CONTRACT = Contract.load();

    private ObjectNode read(String operation, String body) {
        return CONTRACT.operation(operation)
                .read(path(operation), Map.of(), body.getBytes(StandardCharsets.UTF_8), JSON);
    }

    private ObjectNode query(String operation, Map<String, List<String>> query) {
        return CONTRACT.operation(operation).read(path(operation), query, null, null);
    }

    private Map<String, String> path(String operation) {
        return CONTRACT.operation(operation).path().contains("{jobId}") ? Map.of("jobId", JOB) : Map.of();
    }

    private Problem refused(String operation, String body) {
        return assertThrows(Problem.class, () -> read(operation, body));
    }

    private static void assertProblem(Problem problem, String code, String field, String value, String expected) {
        assertEquals(code, problem.code(), problem.detail());
        assertEquals(field, problem.field());
        assertEquals(value, problem.value() == null ? null : problem.value().toString());
        assertEquals(expected, problem.expected());
        assertEquals(400, problem.status());
        assertTrue(problem.detail().startsWith(field), problem.detail());
    }

    @Test
    void path_query_and_body_become_one_object_with_defaults() {
        ObjectNode input = CONTRACT.operation("cancelJob")
                .read(
                        Map.of("jobId", JOB),
                        Map.of("namespace", List.of("lab")),
                        "{\"reason\":\"no longer wanted\"}".getBytes(StandardCharsets.UTF_8),
                        "Application/JSON; charset=\"UTF-8\"");
        assertEquals(
                "{\"jobId\":\"" + JOB
                        + "\",\"namespace\":\"lab\",\"reason\":\"no longer wanted\",\"includeChildren\":true}",
                input.toString());
    }

    @Test
    void a_number_in_the_path_is_read_as_a_number() {
        Operation attempt = CONTRACT.operation("getAttempt");
        assertEquals(
                "2",
                attempt.read(Map.of("jobId", JOB, "attemptNo", "2"), Map.of(), null, null)
                        .get("attemptNo")
                        .toString());
        Problem word = assertThrows(
                Problem.class, () -> attempt.read(Map.of("jobId", JOB, "attemptNo", "two"), Map.of(), null, null));
        assertEquals("invalid_field attemptNo", word.code() + " " + word.field());
    }

    @Test
    void defaults_are_filled_in_for_nested_jobs_and_events_too() {
        ObjectNode input = read(
                "completeJob",
                "{\"summary\":\"done\",\"followUps\":[{\"targetAgent\":\"devops\",\"subject\":\"a.b\",\"priority\":7.0}],"
                        + "\"events\":[{\"topic\":\"a.b\"}]}");
        JsonNode followUp = input.at("/followUps/0");
        assertEquals("7", followUp.get("priority").toString());
        assertEquals("reactive", followUp.get("jobType").textValue());
        assertEquals("trusted", followUp.get("trust").textValue());
        assertTrue(followUp.get("payload").isEmpty());
        assertTrue(input.at("/events/0/payload").isObject());
        assertFalse(input.has("usage"));
    }

    @Test
    void one_request_never_sees_the_defaults_of_another() {
        read("emitEvent", "{\"topic\":\"a\"}").withObject("/payload").put("left", "behind");
        assertTrue(read("emitEvent", "{\"topic\":\"a\"}").get("payload").isEmpty());
    }

    @Test
    void a_payload_keeps_every_digit_and_its_own_shape() {
        String payload = "{\"n\":0.10,\"big\":123456789012345678901234567890,\"x\":[1e3,null,{\"\":true}]}";
        JsonNode read = read("emitEvent", "{\"topic\":\"a\",\"payload\":" + payload + "}")
                .get("payload");
        assertEquals("0.10", read.get("n").decimalValue().toPlainString());
        assertEquals("123456789012345678901234567890", read.get("big").asText());
        assertEquals("[1E+3,null,{\"\":true}]", read.get("x").toString());
    }

    @Test
    void a_body_is_not_needed_where_nothing_in_it_is() {
        assertEquals(500, query("requeueExpired", Map.of()).get("limit").asInt());
        assertProblem(
                assertThrows(Problem.class, () -> query("failJob", Map.of())),
                "missing_field",
                "error",
                null,
                "text of 1 to 8000 characters");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{\"summary\":1,}|line 1, column 14",
                "{\"summary\":\"a\",|line 1, column 16",
                "{\"summary\":\"a\",\"summary\":\"b\"}|line 1, column 25, duplicate field 'summary'",
                "{\"summary\":\"a\",\"result\":{\"x\":1,\"x\":2}}|duplicate field 'x'",
                "{} {}|line 1, column 4, something follows the JSON",
                "{\"summary\":NaN}|line 1, column 15, non-standard token 'NaN'",
                "[]|is a list at line 1, column 1; it must be one JSON object",
                "null|is null at line 1, column 1",
                "\"x\"|is a text at line 1, column 1",
                "7|is a number at line 1, column 1",
                "` `|line 1, column 1, it is empty",
                "{\"summary\":1e99999999999}|a number is out of every range",
            })
    void what_is_not_one_json_object_is_refused_with_its_place(String body, String said) {
        Problem problem = refused("completeJob", body);
        assertEquals("malformed_json", problem.code());
        assertEquals(400, problem.status());
        assertTrue(problem.detail().contains(said), problem.detail());
    }

    @Test
    void line_and_column_are_those_of_the_fault() {
        assertTrue(refused("completeJob", "{\n  \"summary\": tru\n}").detail().contains("line 2, column 17"));
        byte[] latin = "{\"a\":1,\n\"summary\":\"caf\u00e9\"}".getBytes(StandardCharsets.ISO_8859_1);
        Problem problem = assertThrows(
                Problem.class, () -> CONTRACT.operation("failJob").read(path("failJob"), Map.of(), latin, JSON));
        assertEquals("malformed_json", problem.code());
        assertTrue(problem.detail().contains("line 2, column 15, the byte 0xE9 is not UTF-8"), problem.detail());
    }

    @Test
    void fifty_levels_are_read_and_fifty_one_are_not() {
        String fifty = "{\"topic\":\"a\",\"payload\":" + "{\"a\":".repeat(48) + "{}" + "}".repeat(48) + "}";
        assertEquals("a", read("emitEvent", fifty).get("topic").textValue());
        String more = "{\"topic\":\"a\",\"payload\":" + "{\"a\":".repeat(49) + "{}" + "}".repeat(49) + "}";
        Problem problem = refused("emitEvent", more);
        assertEquals("malformed_json", problem.code());
        assertTrue(problem.detail().contains("it is nested deeper than 50 levels"), problem.detail());
    }

    @ParameterizedTest
    @ValueSource(strings = {"text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", ""})
    void a_body_that_is_not_called_json_is_refused(String contentType) {
        byte[] body = "{}".getBytes(StandardCharsets.UTF_8);
        Problem problem = assertThrows(
                Problem.class, () -> CONTRACT.operation("failJob").read(Map.of(), Map.of(), body, contentType));
        assertEquals(415, problem.status());
        assertEquals("unsupported_media_type", problem.code());
        assertEquals(contentType, problem.value().textValue());
        Problem none =
                assertThrows(Problem.class, () -> CONTRACT.operation("failJob").read(Map.of(), Map.of(), body, null));
        assertEquals("The body has no Content-Type; it must be application/json, in UTF-8.", none.detail());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            nullValues = "-",
            value = {
                "priority|5000|a whole number from 1 to 1000",
                "priority|0|a whole number from 1 to 1000",
                "priority|1.5|a whole number from 1 to 1000",
                "priority|\"7\"|a whole number from 1 to 1000",
                "priority|true|a whole number from 1 to 1000",
                "priority|null|a whole number from 1 to 1000",
                "subject|\"Infra\"|words of lower case letters, digits, _ and - joined by dots, at most 200 characters",
                "subject|\"a..b\"|words of lower case letters, digits, _ and - joined by dots, at most 200 characters",
                "subject|\"a\\n\"|words of lower case letters, digits, _ and - joined by dots, at most 200 characters",
                "payload|[]|an object",
                "payload|\"{}\"|an object",
                "trust|\"maybe\"|one of trusted, untrusted",
                "jobType|\"dev.\"|reactive, scheduled, recovery, delivery, proactive or dev.<kind>",
                "dedupeKey|\"\"|text of 1 to 200 characters",
                "dependsOn|\"x\"|a list of at most 100",
                "parentJobId|\"42\"|a UUID, such as 0190f5b8-2f4e-7cc1-8a61-6a0a3a3f9d10",
                "runAfter|\"2026-01-31\"|" + TIME,
                "runAfter|\"2026-01-31T09:00:00\"|" + TIME,
                "runAfter|\"2026-02-30T09:00:00Z\"|" + TIME,
                "runAfter|\"2026-01-31T09:00:00+16:00\"|" + TIME,
                "runAfter|\"0000-01-31T09:00:00Z\"|" + TIME,
                "runAfter|\"tomorrow\"|" + TIME,
                "runAfter|1769850000|" + TIME,
            })
    void a_wrong_value_is_refused_with_its_field_and_what_would_be_right(String field, String value, String expected) {
        String rest = field.equals("subject") ? "" : ",\"subject\":\"a.b\"";
        String body = "{\"targetAgent\":\"devops\"" + rest + ",\"" + field + "\":" + value + "}";
        assertProblem(refused("enqueueJob", body), "invalid_field", field, value, expected);
    }

    @ParameterizedTest
    @ValueSource(strings = {"2026-01-31T09:00:00Z", "2026-01-31T09:00:00.123456-08:00", "2026-01-31t09:00:00z"})
    void a_time_with_its_offset_is_taken_as_it_is(String time) {
        String body = "{\"targetAgent\":\"devops\",\"subject\":\"a\",\"runAfter\":\"" + time + "\"}";
        assertEquals(time, read("enqueueJob", body).get("runAfter").textValue());
    }

    @Test
    void the_detail_is_a_sentence_for_people() {
        String body = "{\"targetAgent\":\"devops\",\"subject\":\"a\",\"priority\":%s}";
        assertEquals(
                "priority is 5000; it must be a whole number from 1 to 1000.",
                refused("enqueueJob", String.format(body, "5000")).detail());
        assertEquals(
                "priority is null; leave it out, or give a whole number from 1 to 1000.",
                refused("enqueueJob", String.format(body, "null")).detail());
        assertEquals(
                "subject is null; it must be words of lower case letters, digits, _ and - joined by dots, at most 200"
                        + " characters.",
                refused("enqueueJob", "{\"targetAgent\":\"devops\",\"subject\":null}")
                        .detail());
        assertEquals(
                "reason is empty; it must be text of 1 to 2000 characters.",
                refused("cancelJob", "{\"reason\":\"\"}").detail());
    }

    @Test
    void a_long_value_is_shortened_and_its_length_told() {
        Problem problem = refused("failJob", "{\"error\":\"" + "x".repeat(8001) + "\"}");
        assertEquals("error is 8001 characters long; it must be text of 1 to 8000 characters.", problem.detail());
        assertEquals("x".repeat(80) + "…", problem.value().textValue());
        Problem list = refused("failJob", "{\"error\":[" + "1,".repeat(100) + "1]}");
        assertEquals(81, list.value().textValue().length());
        Problem emoji = refused("failJob", "{\"error\":\"" + "x".repeat(79) + "😀".repeat(8000) + "\"}");
        assertEquals("x".repeat(79) + "…", emoji.value().textValue());
    }

    @Test
    void a_problem_can_be_written_whatever_the_value_was() {
        Problem problem = refused("failJob", "{\"error\":\"x\",\"a\\ud800\":\"\\udfff\"}");
        assertEquals("unknown_field", problem.code());
        assertEquals("\uFFFD", problem.value().textValue());
        assertFalse(problem.toJson().toString().chars().anyMatch(c -> Character.isSurrogate((char) c)));
    }

    @Test
    void an_unknown_field_names_the_nearest_known_one() {
        Problem problem = refused("enqueueJob", "{\"target_agent\":\"devops\",\"subject\":\"a\"}");
        assertProblem(problem, "unknown_field", "target_agent", "\"devops\"", "targetAgent");
        assertEquals("target_agent is not a known field; did you mean targetAgent?", problem.detail());
        assertProblem(
                refused("failJob", "{\"error\":\"x\",\"zzzzzz\":{}}"),
                "unknown_field",
                "zzzzzz",
                "{}",
                "one of error, retry, retryAfterSeconds, result, memories");
        assertEquals("no fields", refused("resumeAgent", "{\"a\":1}").expected());
    }

    @Test
    void an_unknown_or_missing_field_within_a_list_is_named_by_its_path() {
        assertProblem(
                refused("completeJob", "{\"summary\":\"x\",\"followUps\":[{\"targetAgent\":\"a\",\"subjct\":\"b\"}]}"),
                "unknown_field",
                "followUps[0].subjct",
                "\"b\"",
                "subject");
        assertProblem(
                refused(
                        "completeJob",
                        "{\"summary\":\"x\",\"followUps\":[{\"targetAgent\":\"a\",\"subject\":\"b\"},{\"subject\":\"b\"}]}"),
                "missing_field",
                "followUps[1].targetAgent",
                null,
                NAME);
        assertProblem(
                refused("completeJob", "{\"summary\":\"x\",\"followUps\":[{\"targetAgent\":\"A\",\"subject\":\"b\"}]}"),
                "invalid_field",
                "followUps[0].targetAgent",
                "\"A\"",
                NAME);
        assertProblem(
                refused("completeJob", "{\"summary\":\"x\",\"events\":[7]}"),
                "invalid_field",
                "events[0]",
                "7",
                "an object");
    }

    @Test
    void a_path_or_query_name_in_the_body_is_told_where_it_belongs() {
        Problem problem = refused("failJob", "{\"error\":\"x\",\"jobId\":\"" + JOB + "\"}");
        assertProblem(problem, "unknown_field", "jobId", "\"" + JOB + "\"", "jobId in the path");
        assertEquals("jobId is no field of the body; it belongs in the path.", problem.detail());
        Problem query = assertThrows(Problem.class, () -> query("failJob", Map.of("error", List.of("x"))));
        assertProblem(query, "unknown_field", "error", "\"x\"", "error in the body");
    }

    @Test
    void exclusive_fields_are_refused_together() {
        String body =
                "{\"targetAgent\":\"a\",\"subject\":\"b\",\"runAfter\":\"2026-01-31T09:00:00Z\",\"delaySeconds\":5}";
        Problem problem = refused("enqueueJob", body);
        assertProblem(problem, "invalid_field", "delaySeconds", "5", "only one of runAfter, delaySeconds");
        assertEquals(
                "followUps[0].delaySeconds",
                refused("completeJob", "{\"summary\":\"x\",\"followUps\":[" + body + "]}")
                        .field());
        Problem retry = refused("failJob", "{\"error\":\"x\",\"retry\":false,\"retryAfterSeconds\":5}");
        assertEquals("retryAfterSeconds", retry.field());
        assertEquals(
                "retryAfterSeconds is not allowed together with retry false; give only one of them.", retry.detail());
        assertEquals(
                5,
                read("failJob", "{\"error\":\"x\",\"retry\":true,\"retryAfterSeconds\":5}")
                        .get("retryAfterSeconds")
                        .asInt());
        assertTrue(read("failJob", "{\"error\":\"x\",\"retryAfterSeconds\":5}")
                .get("retry")
                .asBoolean());
    }

    @Test
    void exactly_one_way_to_unblock_is_taken() {
        String one = "an object with exactly one of at, agent, person, jobId";
        assertProblem(refused("blockJob", "{\"reason\":\"x\",\"unblock\":{}}"), "invalid_field", "unblock", "{}", one);
        Problem two = refused("blockJob", "{\"reason\":\"x\",\"unblock\":{\"person\":\"anna\",\"agent\":\"devops\"}}");
        assertEquals("unblock is an object with 2 fields; it must be " + one + ".", two.detail());
    }

    @Test
    void a_list_is_neither_too_long_nor_does_it_repeat_itself() {
        String body = "{\"targetAgent\":\"a\",\"subject\":\"b\",\"dependsOn\":[%s]}";
        String id = "\"" + JOB + "\"";
        assertProblem(
                refused("enqueueJob", String.format(body, id + "," + id)),
                "invalid_field",
                "dependsOn[1]",
                id,
                "a list that names each entry once");
        Problem problem = refused(
                "completeJob",
                "{\"summary\":\"x\",\"events\":[" + "{\"topic\":\"a\"},".repeat(50) + "{\"topic\":\"a\"}]}");
        assertEquals("events is a list of 51; it must be a list of at most 50 objects.", problem.detail());
    }

    @Test
    void a_hostile_body_is_refused_without_much_work() {
        String followUps = "{\"summary\":\"x\",\"followUps\":[" + "{},".repeat(200_000) + "{}]}";
        assertEquals(
                "followUps is a list of 200001; it must be a list of at most 50 objects.",
                refused("completeJob", followUps).detail());
        String dependsOn = "[" + "1,".repeat(200_000) + "1]";
        assertEquals(
                "followUps[0].dependsOn",
                refused("completeJob", "{\"summary\":\"x\",\"followUps\":[{\"dependsOn\":" + dependsOn + "}]}")
                        .field());
        Problem subject = refused("emitEvent", "{\"topic\":\"" + "a.".repeat(500_000) + "a\"}");
        assertTrue(subject.detail().startsWith("topic is 1000001 characters long;"), subject.detail());
        Problem name = refused("emitEvent", "{\"" + "n".repeat(40_000) + "\":1}");
        assertEquals("[\"" + "n".repeat(80) + "…\"]", name.field());
    }

    @Test
    void what_postgres_cannot_store_is_refused_wherever_it_is() {
        String text = "text without U+0000 and with whole characters";
        assertProblem(refused("failJob", "{\"error\":\"a\\u0000b\"}"), "invalid_field", "error", "\"a\\u0000b\"", text);
        assertProblem(
                refused("emitEvent", "{\"topic\":\"a\",\"payload\":{\"x y\":[1,{\"z\":\"\\u0000\"}]}}"),
                "invalid_field",
                "payload[\"x y\"][1].z",
                "\"\\u0000\"",
                text);
        Problem name = refused("emitEvent", "{\"topic\":\"a\",\"payload\":{\"x\\u0000\":1}}");
        assertEquals("payload[\"x\\u0000\"]", name.field());
        assertEquals(
                "payload.x[1]",
                refused("emitEvent", "{\"topic\":\"a\",\"payload\":{\"x\":[\"ok\",\"\\ud83d\"]}}")
                        .field());
        assertEquals(
                "payload.x",
                refused("emitEvent", "{\"topic\":\"a\",\"payload\":{\"x\":1e131073}}")
                        .field());
        assertEquals(
                "😀",
                read("failJob", "{\"error\":\"\\ud83d\\ude00\"}").get("error").textValue());
        assertEquals(
                "subject",
                assertThrows(Problem.class, () -> query("listJobs", Map.of("subject", List.of("\0"))))
                        .field());
    }

    @Test
    void a_query_parameter_is_read_by_its_type_and_checked() {
        ObjectNode input = query("listJobs", Map.of("limit", List.of("7"), "state", List.of("dead")));
        assertEquals(2, input.size());
        assertEquals("dead", input.get("state").textValue());
        assertEquals(7, input.get("limit").intValue());
        assertEquals(50, query("listJobs", Map.of()).get("limit").intValue());
        for (String limit : List.of("x", "", "7 8", "0", "501", "[7]")) {
            Problem problem = assertThrows(Problem.class, () -> query("listJobs", Map.of("limit", List.of(limit))));
            assertEquals("limit", problem.field());
            assertEquals("a whole number from 1 to 500", problem.expected());
            assertEquals(limit, problem.value().asText());
        }
    }

    @Test
    void an_unknown_or_repeated_query_parameter_is_refused() {
        assertProblem(
                assertThrows(Problem.class, () -> query("listJobs", Map.of("stat", List.of("dead")))),
                "unknown_field",
                "stat",
                "\"dead\"",
                "state");
        Problem twice = assertThrows(Problem.class, () -> query("listJobs", Map.of("limit", List.of("1", "2"))));
        assertProblem(twice, "invalid_field", "limit", "[\"1\",\"2\"]", "a whole number from 1 to 500, once");
        assertEquals("limit is given 2 times; it must be given once.", twice.detail());
    }

    @Test
    void a_mistyped_value_of_a_set_is_told_the_nearest() {
        Problem problem =
                assertThrows(Problem.class, () -> query("listStandingOrderRuns", Map.of("status", List.of("skiped"))));
        assertTrue(problem.detail().endsWith(" Did you mean skipped?"), problem.detail());
    }

    @Test
    void a_path_parameter_is_checked_too() {
        Problem problem = assertThrows(
                Problem.class, () -> CONTRACT.operation("getJob").read(Map.of("jobId", "42"), Map.of(), null, null));
        assertProblem(
                problem, "invalid_field", "jobId", "\"42\"", "a UUID, such as 0190f5b8-2f4e-7cc1-8a61-6a0a3a3f9d10");
    }
}
