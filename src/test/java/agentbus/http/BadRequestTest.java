package agentbus.http;

import static agentbus.harness.Door.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.Answer;
import agentbus.harness.Door;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import java.io.IOException;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Requests that HTTP allows and the bus does not: paths, methods, media types, sizes, escapes, and Camel's own headers. */
@ExtendWith(PostgresExtension.class)
class BadRequestTest {
    private static final String JOB = "{\"targetAgent\":\"worker\",\"subject\":\"work\"}";
    private static final String TOO_MUCH =
            "at most 65536 bytes; put what is larger elsewhere and its address into the payload";
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

    private static BodyPublisher job() {
        return BodyPublishers.ofString(JOB);
    }

    private static byte[] bodyOf(int bytes) {
        String start = "{\"targetAgent\":\"worker\",\"subject\":\"work\",\"payload\":{\"a\":\"";
        return (start + "x".repeat(bytes - start.length() - 3) + "\"}}").getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void a_body_at_the_limit_is_taken_and_one_byte_more_is_not() {
        for (int i = 0; i < 2; i++) {
            boolean chunked = i == 1;
            Answer taken = door.send("POST", "/v1/jobs", body(65536, chunked), "Content-Type", "application/json");
            assertEquals(200, taken.status(), taken.text());
            for (int bytes : new int[] {65537, 1_000_000}) {
                Answer answer = door.unchanged(
                        () -> door.send("POST", "/v1/jobs", body(bytes, chunked), "Content-Type", "application/json"));
                refused(answer, 413, "body_too_large", "body", null, TOO_MUCH);
            }
        }
    }

    private static BodyPublisher body(int bytes, boolean chunked) {
        return chunked ? Door.chunked(bodyOf(bytes)) : BodyPublishers.ofByteArray(bodyOf(bytes));
    }

    @Test
    void a_body_too_large_is_refused_before_it_has_come() {
        Answer answer = door.unchanged(() -> door.raw(
                "POST /v1/jobs", "Content-Type: application/json", "Content-Length: 100000000", "Connection: close"));

        refused(answer, 413, "body_too_large", "body", null, TOO_MUCH);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/v1",
                "/v1/",
                "/v1/job",
                "/v1/jobs/",
                "/v1x",
                "/v2/jobs",
                "/observe/nothing",
                "/favicon.ico",
                "/v1/jobs/a/b/c",
                "/v1//jobs",
                "/V1/jobs",
                "/v1/../v1/none"
            })
    void an_unknown_path_is_404(String path) {
        Answer answer = door.unchanged(() -> door.get(path));

        Door.assertProblem(answer, 404, "no_such_operation");
        assertEquals("GET " + path, answer.json().path("value").asText());
    }

    @Test
    void a_nearly_right_path_is_told_the_right_one() {
        refused(door.get("/v1/jobz"), 404, "no_such_operation", null, "'GET /v1/jobz'", "/v1/jobs");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "DELETE|/v1/jobs|POST, GET",
                "PUT|/v1/jobs|POST, GET",
                "OPTIONS|/v1/jobs|POST, GET",
                "PATCH|/v1/agents|GET",
                "GET|/v1/jobs/claim|POST",
                "POST|/v1/health|GET",
                "BREW|/v1/health|GET",
            })
    void a_method_that_a_path_does_not_have_is_405(String method, String path, String allowed) {
        Answer answer = door.unchanged(() -> door.send(method, path, BodyPublishers.noBody()));

        refused(answer, 405, "method_not_allowed", null, "'" + method + "'", allowed);
        assertEquals(allowed, answer.header("Allow"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "text/plain",
                "application/xml",
                "application/json; charset=iso-8859-1",
                "application/json; charset=nonsense",
                "application/x-www-form-urlencoded",
                "multipart/form-data; boundary=b",
                "multipart/form-data",
                "nonsense"
            })
    void a_body_of_another_type_is_415(String type) {
        for (BodyPublisher body : new BodyPublisher[] {
            job(), Door.chunked(JOB.getBytes(StandardCharsets.UTF_8)), BodyPublishers.ofString("targetAgent=worker")
        }) {
            Answer answer = door.unchanged(() -> door.send("POST", "/v1/jobs", body, "Content-Type", type));
            refused(
                    answer,
                    415,
                    "unsupported_media_type",
                    "Content-Type",
                    "'" + type + "'",
                    "application/json, in UTF-8");
        }
    }

    @Test
    void a_form_and_its_files_are_415() {
        String multipart = "--b\r\nContent-Disposition: form-data; name=\"targetAgent\"\r\n\r\nworker\r\n"
                + "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"../x.txt\"\r\n"
                + "Content-Type: text/plain\r\n\r\nx\r\n--b--\r\n";
        for (String[] form : new String[][] {
            {"multipart/form-data; boundary=b", multipart},
            {"multipart/form-data; boundary=b", "--b\r\nnonsense"},
            {"application/x-www-form-urlencoded", "a=%zz"},
            {"application/x-www-form-urlencoded", "targetAgent=worker&subject=work&Content-Type=application/json"}
        }) {
            Answer answer = door.unchanged(
                    () -> door.send("POST", "/v1/jobs", BodyPublishers.ofString(form[1]), "Content-Type", form[0]));
            refused(
                    answer,
                    415,
                    "unsupported_media_type",
                    "Content-Type",
                    "'" + form[0] + "'",
                    "application/json, in UTF-8");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"/v1/jobs", "/mcp", "/console/session"})
    void a_form_is_refused_before_its_files_reach_the_disk(String path) {
        String multipart = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x.txt\"\r\n"
                + "Content-Type: text/plain\r\n\r\nx\r\n--b--\r\n";
        Answer answer = door.unchanged(() -> door.send(
                "POST", path, BodyPublishers.ofString(multipart), "Content-Type", "Multipart/Form-Data; boundary=b"));

        assertEquals("415 unsupported_media_type Content-Type", answer.brief(), answer.text());
        assertFalse(Files.exists(Path.of("file-uploads")));
    }

    @Test
    void a_head_request_is_405_without_a_body() {
        Answer answer = door.unchanged(() -> door.send("HEAD", "/v1/health", BodyPublishers.noBody()));

        assertEquals(405, answer.status());
        assertEquals("GET", answer.header("Allow"));
        assertEquals("", answer.text());
    }

    @Test
    void the_pages_of_the_server_itself_are_still_there() {
        assertEquals(200, door.get("/observe/health").status());
        assertTrue(door.get("/observe/metrics").text().contains("agentbus_api_calls"));
    }

    @Test
    void a_body_without_a_type_is_415() {
        refused(
                door.unchanged(() -> door.send("POST", "/v1/jobs", job())),
                415,
                "unsupported_media_type",
                "Content-Type",
                null,
                "application/json, in UTF-8");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "/v1/jobs?state=%zz|query|'state=%zz'",
                "/v1/jobs?%|query|'%'",
                "/v1/jobs?state=dead&x=%4|query|'x=%4'",
                "/nowhere?a=%4|query|'a=%4'"
            })
    void a_broken_escape_in_the_query_is_400(String path, String field, String value) {
        Answer answer = door.unchanged(() -> door.raw("GET " + path, "Authorization: Bearer " + door.operator()));

        refused(answer, 400, "invalid_field", field, value, "% followed by two hex digits");
    }

    @Test
    void a_broken_escape_in_the_path_is_400_where_a_value_stands_and_404_elsewhere() {
        refused(
                door.unchanged(() -> door.raw("GET /v1/jobs/%zz", "Authorization: Bearer " + door.operator())),
                400,
                "invalid_field",
                "jobId",
                "'%zz'",
                "text with % only before two hexadecimal digits");
        for (String path : new String[] {"/v1/%zz", "/%", "/v1/jobs%2"}) {
            Door.assertProblem(door.unchanged(() -> door.raw("GET " + path)), 404, "no_such_operation");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "CamelSqlQuery",
                "CamelSqlParameters",
                "CamelHttpUri",
                "CamelHttpPath",
                "CamelHttpMethod",
                "CamelHttpRawQuery",
                "CamelMustacheTemplate",
                "CamelMustacheResourceUri",
                "CamelBeanMethodName",
                "camelsqlquery",
                "operation",
                "CamelHttpResponseCode"
            })
    void a_header_of_camel_s_own_means_nothing_and_as_a_parameter_it_is_unknown(String name) {
        String value = "delete from agentbus.jobs";

        Answer asHeader = door.unchanged(
                () -> door.send("GET", "/v1/agents?namespace=default", BodyPublishers.noBody(), name, value));
        Answer asParameter = door.unchanged(() -> door.get("/v1/agents?" + name + "=delete%20from%20agentbus.jobs"));
        Answer inBoth = door.unchanged(() ->
                door.send("POST", "/v1/jobs?" + name + "=x", job(), "Content-Type", "application/json", name, value));

        Door.answered("listAgents", asHeader);
        Door.assertProblem(asParameter, 400, "unknown_field");
        assertEquals(name, asParameter.json().path("field").asText());
        assertEquals(value, asParameter.json().path("value").asText());
        Door.assertProblem(inBoth, 400, "unknown_field");
    }
}
