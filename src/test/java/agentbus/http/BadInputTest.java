package agentbus.http;

import static agentbus.harness.Door.json;
import static agentbus.harness.Door.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;

import agentbus.harness.Answer;
import agentbus.harness.Door;
import agentbus.harness.Door.Work;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import java.io.IOException;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is wrong with an input is said to the letter, and changes nothing. */
@ExtendWith(PostgresExtension.class)
class BadInputTest {
    private static final String UUID = "a UUID, such as 0190f5b8-2f4e-7cc1-8a61-6a0a3a3f9d10";
    private static final String NOBODY = "0190f5b8-2f4e-7cc1-8a61-6a0a3a3f9d10";
    private static final String JSON = "JSON in UTF-8, at most 50 levels deep";
    private static Door door;

    @BeforeAll
    static void open(TestDatabase database, @TempDir Path home) throws IOException {
        door = Door.open(database, home);
        door.job();
    }

    @AfterAll
    static void close() {
        door.close();
    }

    /** Columns: body, code, field, value, expected; quotes in the body and the value are single ones. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "{'targetAgent':|malformed_json|||" + JSON,
                "nonsense|malformed_json|||" + JSON,
                "{} {}|malformed_json|||" + JSON,
                "{'subject':'a','subject':'b'}|malformed_json|||" + JSON,
                "[]|malformed_json|||one JSON object in UTF-8, at most 50 levels deep",
                "{'targetAgent':'worker','subject':7}|invalid_field|subject|7|words of lower case letters, digits, _ and - joined by dots, at most 200 characters",
                "{'targetAgent':'worker','subject':'work','priority':'high'}|invalid_field|priority|'high'|a whole number from 1 to 1000",
                "{'targetAgent':'worker','subject':'work','priority':5000}|invalid_field|priority|5000|a whole number from 1 to 1000",
                "{'targetAgent':'worker','subject':'work','payload':[1]}|invalid_field|payload|[1]|an object",
                "{'targetAgent':'worker','subject':'work','payload':{'a':'\\u0000'}}|invalid_field|payload.a|'\\u0000'|text without U+0000 and with whole characters",
                "{'targetAgent':'worker','subject':'work','runAfter':'tomorrow'}|invalid_field|runAfter|'tomorrow'|a time with its offset, such as 2026-01-31T09:00:00Z",
                "{'targetAgent':'worker','subject':'work','dependsOn':['x']}|invalid_field|dependsOn[0]|'x'|" + UUID,
                "{'targetAgent':'worker','subject':'work','prioritie':7}|unknown_field|prioritie|7|priority",
                "{'targetAgent':'worker','subject':'work','tokenHash':'00'}|unknown_field|tokenHash|'00'|",
                "{'targetAgent':'worker','subject':'work','namespace':'default'}|unknown_field|namespace|'default'|namespace in the query",
                "{'targetAgent':'worker'}|missing_field|subject||words of lower case letters, digits, _ and - joined by dots, at most 200 characters",
            })
    void a_body_that_is_no_job_is_refused(String body, String code, String field, String value, String expected) {
        Answer answer = door.unchanged(() -> door.post("/v1/jobs", json(body)));

        if (expected == null) {
            Door.assertProblem(answer, 400, code);
            assertEquals(field, answer.json().path("field").asText());
        } else {
            refused(answer, 400, code, field, value, expected);
        }
    }

    @Test
    void an_absent_body_lacks_what_is_required() {
        refused(
                door.unchanged(() -> door.post("/v1/agents/worker/pause", null)),
                400,
                "missing_field",
                "reason",
                null,
                "text of 1 to 2000 characters");
    }

    @Test
    void a_body_where_none_belongs_is_refused() {
        Door.assertProblem(
                door.unchanged(() -> door.post("/v1/agents/worker/resume", "{\"tokenHash\":\"00\"}")),
                400,
                "unknown_field");
        Door.assertProblem(
                door.unchanged(() -> door.post("/v1/agents/worker/token", "{\"tokenHash\":\"00\"}")),
                400,
                "unknown_field");
        Door.assertProblem(
                door.unchanged(() -> door.post("/v1/jobs/" + NOBODY + "/redrive", "{\"jobId\":\"" + NOBODY + "\"}")),
                400,
                "unknown_field");
    }

    /** Columns: path and query, code, field, value, expected. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "/v1/jobs?limit=many|invalid_field|limit|'many'|a whole number from 1 to 500",
                "/v1/jobs?limit=0|invalid_field|limit|0|a whole number from 1 to 500",
                "/v1/jobs?limit=1&limit=2|invalid_field|limit|['1','2']|a whole number from 1 to 500, once",
                "/v1/jobs?stat=dead|unknown_field|stat|'dead'|state",
                "/v1/jobs?state=lost|invalid_field|state|'lost'|one of waiting, queued, leased, running, succeeded, blocked, failed, dead, cancelled, or several of them joined by commas",
                "/v1/jobs?flowKey=%00|invalid_field|flowKey|'\\u0000'|text without U+0000 and with whole characters",
                "/v1/jobs?state=|invalid_field|state|''|one of waiting, queued, leased, running, succeeded, blocked, failed, dead, cancelled, or several of them joined by commas",
                "/v1/events?after=-1|invalid_field|after|-1|a whole number from 0 to 9007199254740991",
                "/v1/jobs?before=9007199254740992|invalid_field|before|9007199254740992|a whole number from 1 to 9007199254740991",
                "/v1/jobs/12|invalid_field|jobId|'12'|" + UUID,
                "/v1/jobs/" + NOBODY + "'|invalid_field|jobId|'" + NOBODY + "''|" + UUID,
            })
    void a_parameter_that_is_none_is_refused(String path, String code, String field, String value, String expected) {
        refused(door.unchanged(() -> door.get(path)), 400, code, field, value, expected);
    }

    /** Columns: body, code, field, value, expected. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "{'targetAgent':'nobody','subject':'work'}|unknown_agent|targetAgent|'nobody'|one of: coordinator, other, worker",
                "{'targetAgent':'worker','subject':'play'}|subject_not_accepted|subject|'play'|one of: work, blocked.replan, standing_order.<name>",
                "{'targetAgent':'worker','subject':'work','sourceAgent':'nobody'}|unknown_agent|sourceAgent|'nobody'|one of: coordinator, other, worker",
                "{'targetAgent':'worker','subject':'work','parentJobId':'" + NOBODY + "'}|unknown_job|parentJobId|'"
                        + NOBODY + "'|the id of a job",
                "{'targetAgent':'worker','subject':'work','dependsOn':['" + NOBODY + "']}|unknown_job|dependsOn|['"
                        + NOBODY + "']|ids of jobs",
            })
    void a_job_that_the_bus_cannot_take_is_refused(
            String body, String code, String field, String value, String expected) {
        refused(door.unchanged(() -> door.post("/v1/jobs", json(body))), 422, code, field, value, expected);
    }

    @Test
    void a_topic_of_the_bus_is_refused() {
        refused(
                door.unchanged(() -> door.post("/v1/events", "{\"topic\":\"job.succeeded\"}")),
                422,
                "invalid_field",
                "topic",
                "'job.succeeded'",
                "a topic that does not begin with job., agent., gateway., audit., standing_order., question., pause.,"
                        + " idea., opportunity., memory.");
    }

    @Test
    void an_unknown_namespace_job_or_agent_in_the_address_is_404() {
        refused(
                door.unchanged(() -> door.get("/v1/jobs?namespace=elsewhere")),
                404,
                "unknown_namespace",
                "namespace",
                "'elsewhere'",
                "one of: default");
        refused(
                door.unchanged(() -> door.get("/v1/jobs/" + NOBODY)),
                404,
                "unknown_job",
                "jobId",
                "'" + NOBODY + "'",
                "the id of a job");
        refused(
                door.unchanged(() -> door.post("/v1/agents/nobody/pause", "{\"reason\":\"r\"}")),
                404,
                "unknown_agent",
                "agentId",
                "'nobody'",
                "one of: coordinator, other, worker");
    }

    @Test
    void a_job_that_would_wait_for_one_that_waits_for_it_is_refused() {
        Work work = door.work();
        String dependent = door.job("worker", ",\"dependsOn\":[\"" + work.jobId() + "\"]");

        refused(
                door.unchanged(() -> door.call(
                        "POST",
                        "/v1/jobs/" + work.jobId() + "/block",
                        work.token(),
                        "{\"reason\":\"r\",\"unblock\":{\"jobId\":\"" + dependent + "\"}}")),
                409,
                "dependency_cycle",
                "unblock.jobId",
                "'" + dependent + "'",
                "a job that does not itself wait for this one");
    }

    @Test
    void a_job_in_the_wrong_state_is_left_as_it_is() {
        String job = door.job();
        refused(
                door.unchanged(() -> door.post("/v1/jobs/" + job + "/redrive", null)),
                409,
                "wrong_state",
                "jobId",
                "'" + job + "'",
                "a dead or failed job");
        refused(
                door.unchanged(() -> door.post("/v1/jobs/" + job + "/unblock", null)),
                409,
                "wrong_state",
                "jobId",
                "'" + job + "'",
                "a blocked job");
    }

    @Test
    void a_body_of_no_utf_8_is_refused() {
        Answer answer = door.unchanged(() -> door.send(
                "POST",
                "/v1/jobs",
                BodyPublishers.ofByteArray("{\"subject\":\"\u00e9\"}".getBytes(StandardCharsets.ISO_8859_1)),
                "Content-Type",
                "application/json"));

        refused(answer, 400, "malformed_json", null, null, JSON);
    }
}
