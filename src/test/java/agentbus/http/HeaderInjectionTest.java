package agentbus.http;

import static org.junit.jupiter.api.Assertions.assertEquals;

import agentbus.harness.Answer;
import agentbus.harness.Door;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import java.io.IOException;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What would steer Camel if it came from inside comes from outside here: as a header, a query, a form's field. */
@ExtendWith(PostgresExtension.class)
class HeaderInjectionTest {
    /** Each of them changes what a component does: which statement runs, where a call goes, what a bean is asked. */
    private static final List<String> NAMES = List.of(
            "CamelSqlQuery",
            "camelsqlquery",
            "CAMELSQLQUERY",
            "CamelSqlParameters",
            "CamelSqlRetrieveGeneratedKeys",
            "CamelBeanMethodName",
            "CamelHttpUri",
            "CamelHttpPath",
            "CamelHttpQuery",
            "CamelHttpMethod",
            "CamelHttpResponseCode",
            "CamelRestHttpUri",
            "CamelToEndpoint",
            "CamelMustacheResourceUri",
            "CamelMustacheTemplate",
            "principal",
            "credential",
            "input",
            "order",
            "days");

    private static Door door;

    @BeforeAll
    static void open(TestDatabase database, @TempDir Path home) throws IOException {
        door = Door.open(database, home);
    }

    @AfterAll
    static void close() {
        door.close();
    }

    static Stream<String> names() {
        return NAMES.stream();
    }

    @ParameterizedTest
    @MethodSource("names")
    void a_header_from_outside_changes_no_answer(String name) {
        Answer answer = door.unchanged(
                () -> door.send("GET", "/v1/jobs?limit=1", BodyPublishers.noBody(), name, "select pg_sleep(60)"));

        assertEquals(200, answer.status(), answer.text());
        assertEquals(door.get("/v1/jobs?limit=1").text(), answer.text());
    }

    @ParameterizedTest
    @MethodSource("names")
    void a_query_of_that_name_is_a_query_that_does_not_exist(String name) {
        Answer answer = door.unchanged(() -> door.get("/v1/jobs?" + name + "=select%201"));

        assertEquals(400, answer.status(), answer.text());
        assertEquals(name, answer.json().path("field").asText());
    }

    @ParameterizedTest
    @MethodSource("names")
    void a_field_of_that_name_is_a_field_that_does_not_exist(String name) {
        Answer answer = door.unchanged(() -> door.post(
                "/v1/jobs", "{\"targetAgent\":\"worker\",\"subject\":\"work\",\"" + name + "\":\"select 1\"}"));

        assertEquals(400, answer.status(), answer.text());
    }

    @ParameterizedTest
    @MethodSource("names")
    void a_payload_may_hold_any_name_and_comes_back_as_it_was(String name) {
        String job = door.job("worker", ",\"payload\":{\"" + name + "\":\"'; drop table jobs; --\"}");

        assertEquals(
                "'; drop table jobs; --",
                door.get("/v1/jobs/" + job).json().at("/payload/" + name).asText());
    }
}
