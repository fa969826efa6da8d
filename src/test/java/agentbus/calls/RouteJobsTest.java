package agentbus.calls;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.contract.Problem;
import agentbus.harness.Door;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.camel.CamelExecutionException;
import org.apache.camel.Exchange;
import org.apache.camel.ProducerTemplate;
import org.apache.camel.builder.RouteBuilder;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.postgresql.util.PSQLException;

/** Triggers of one's own: a route puts a job into the body and ends in direct:enqueue-job. */
@ExtendWith(PostgresExtension.class)
class RouteJobsTest {
    private static final String TEXT =
            "{\"targetAgent\":\"worker\",\"subject\":\"work\",\"payload\":{\"é\":[null,1.50]}}";
    private static Door door;
    private static ProducerTemplate producer;

    @BeforeAll
    static void open(TestDatabase database, @TempDir Path home) throws Exception {
        door = Door.open(database, home);
        door.bus().bus().camel().addRoutes(new RouteBuilder() {
            @Override
            public void configure() {
                from("direct:every-morning")
                        .routeId("every-morning")
                        .errorHandler(noErrorHandler())
                        .to("direct:enqueue-job");
                from("direct:careful")
                        .routeId("careful")
                        .errorHandler(defaultErrorHandler())
                        .onException(Problem.class)
                        .handled(true)
                        .setBody(simple("${exception.code}"))
                        .end()
                        .to("direct:enqueue-job");
            }
        });
        producer = door.bus().bus().camel().createProducerTemplate();
    }

    @AfterAll
    static void close() {
        door.close();
    }

    static Stream<Object> bodies() throws Exception {
        Map<String, Object> payload = new LinkedHashMap<>();
        payload.put("é", java.util.Arrays.asList(null, 1.5));
        return Stream.of(
                Map.of("targetAgent", "worker", "subject", "work", "payload", payload),
                Json.read(TEXT),
                TEXT,
                TEXT.getBytes(StandardCharsets.UTF_8),
                new ByteArrayInputStream(TEXT.getBytes(StandardCharsets.UTF_8)));
    }

    @ParameterizedTest
    @MethodSource("bodies")
    void a_job_is_a_map_or_json_and_the_body_becomes_the_answer(Object body) throws Exception {
        JsonNode answer = Json.read(producer.requestBody("direct:every-morning", body, String.class));

        assertTrue(answer.path("created").asBoolean(), answer.toString());
        JsonNode job = answer.path("job");
        assertEquals("work", job.path("subject").asText());
        assertEquals(1.5, job.at("/payload/é/1").asDouble(), answer.toString());
        assertTrue(job.at("/payload/é/0").isNull(), answer.toString());
        assertEquals(100, job.path("priority").asInt());
        assertFalse(job.has("sourceAgent"), answer.toString());
        assertEquals(
                List.of("operator:route:every-morning"),
                door.database()
                        .jdbc()
                        .queryForList(
                                "select distinct actor from audit_log where row_id = ?",
                                String.class,
                                job.path("jobId").asText()));
    }

    @Test
    void a_route_may_speak_for_an_agent() throws Exception {
        JsonNode answer = Json.read(producer.requestBody(
                "direct:every-morning",
                Map.of("targetAgent", "worker", "subject", "work", "sourceAgent", "other"),
                String.class));

        assertEquals("other", answer.at("/job/sourceAgent").asText());
    }

    @Test
    void a_body_that_is_no_job_comes_back_to_the_route_as_a_problem() {
        Map<Object, String> bodies = new LinkedHashMap<>();
        bodies.put(Map.of("targetAgent", "worker"), "missing_field subject");
        bodies.put(Map.of("targetAgent", "worker", "subject", "work", "prio", 1), "unknown_field prio");
        bodies.put(Map.of("targetAgent", "worker", "subject", "work", "priority", "7"), "invalid_field priority");
        bodies.put(Map.of("targetAgent", "worker", "subject", "work", "namespace", "x"), "unknown_field namespace");
        bodies.put("{\"targetAgent\":", "malformed_json null");
        bodies.put("", "missing_field targetAgent");
        bodies.put(Collections.nCopies(1, 1).toString(), "malformed_json null");
        String before = door.fingerprint();

        bodies.forEach((body, expected) -> {
            Problem problem = assertThrowsCause(Problem.class, body);
            assertEquals(expected, problem.code() + " " + problem.field());
        });
        assertEquals(before, door.fingerprint());
    }

    @Test
    void no_body_at_all_lacks_the_fields_of_a_job() {
        Problem problem = assertThrowsCause(Problem.class, null);
        assertEquals("missing_field targetAgent", problem.code() + " " + problem.field());
    }

    @Test
    void a_refusal_of_the_database_comes_back_to_the_route_with_its_words() {
        String before = door.fingerprint();

        PSQLException refusal =
                assertThrowsCause(PSQLException.class, Map.of("targetAgent", "nobody", "subject", "work"));

        assertEquals("AB422", refusal.getSQLState());
        assertTrue(refusal.getMessage().contains("there is no agent nobody"), refusal.getMessage());
        assertEquals(before, door.fingerprint());
    }

    @Test
    void a_route_can_handle_a_refusal_itself() {
        Exchange handled = producer.send(
                "direct:careful", exchange -> exchange.getMessage().setBody("[]"));

        assertNull(handled.getException());
        assertEquals("malformed_json", handled.getMessage().getBody(String.class));
    }

    @Test
    void a_header_cannot_change_the_statement() throws Exception {
        String answer = producer.requestBodyAndHeaders(
                "direct:every-morning",
                TEXT,
                Map.of("CamelSqlQuery", "delete from agentbus.jobs", "CamelSqlParameters", Map.of("input", "{}")),
                String.class);

        assertTrue(Json.read(answer).path("created").asBoolean(), answer);
    }

    private static <T extends Throwable> T assertThrowsCause(Class<T> type, Object body) {
        CamelExecutionException failed =
                assertThrows(CamelExecutionException.class, () -> producer.requestBody("direct:every-morning", body));
        for (Throwable cause = failed; cause != null; cause = cause.getCause()) {
            if (type.isInstance(cause)) {
                return type.cast(cause);
            }
        }
        throw new AssertionError("no " + type, failed);
    }
}
