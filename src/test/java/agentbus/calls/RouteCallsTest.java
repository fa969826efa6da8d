package agentbus.calls;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.contract.Problem;
import agentbus.harness.Door;
import agentbus.harness.Door.Work;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.camel.Exchange;
import org.apache.camel.ProducerTemplate;
import org.apache.camel.builder.RouteBuilder;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The door for routes: a route names an operation and ends in direct:call-operation. */
@ExtendWith(PostgresExtension.class)
class RouteCallsTest {
    private static Door door;
    private static ProducerTemplate producer;

    @BeforeAll
    static void open(TestDatabase database, @TempDir Path home) throws Exception {
        door = Door.open(database, home);
        door.bus().bus().camel().addRoutes(new RouteBuilder() {
            @Override
            public void configure() {
                from("direct:trigger")
                        .routeId("trigger")
                        .errorHandler(noErrorHandler())
                        .to("direct:call-operation");
                from("direct:twice")
                        .routeId("twice")
                        .errorHandler(noErrorHandler())
                        .to("direct:call-operation")
                        .setBody(constant(Map.of()))
                        .setVariable("operation", constant("listAgents"))
                        .to("direct:call-operation");
            }
        });
        producer = door.bus().bus().camel().createProducerTemplate();
    }

    @AfterAll
    static void close() {
        door.close();
    }

    @Test
    void an_event_is_emitted_in_the_name_of_the_route() throws Exception {
        JsonNode answer = answer(call("emitEvent", null, Map.of("topic", "mail.came", "payload", Map.of("n", 1))));

        assertEquals("mail.came", answer.at("/event/topic").asText(), answer.toString());
    }

    @Test
    void a_job_is_cancelled_and_the_audit_log_names_the_route() throws Exception {
        String job = door.job();

        answer(call("cancelJob", null, Map.of("jobId", job, "reason", "no longer wanted")));

        assertEquals("cancelled", state(job));
        assertTrue(actors(job).contains("operator:route:trigger"), actors(job).toString());
    }

    @Test
    void a_worker_route_claims_and_closes_with_the_token_of_its_attempt() throws Exception {
        String job = door.job("other", "");
        JsonNode claimed = answer(call("claimJobs", null, Map.of("targetAgent", "other", "limit", 1)));
        String token = claimed.at("/jobs/0/attemptToken").asText();
        assertEquals(job, claimed.at("/jobs/0/jobId").asText(), claimed.toString());

        answer(call("completeJob", token, Map.of("jobId", job, "summary", "done")));

        assertEquals("succeeded", state(job));
    }

    @Test
    void a_stale_token_is_refused_with_the_words_of_every_door() {
        Work work = door.work();
        String close = "{\"jobId\":\"" + work.jobId() + "\",\"summary\":\"done\"}";
        assertNull(call("completeJob", work.token(), close).getException());

        Problem refused = refusal(call("failJob", work.token(), Map.of("jobId", work.jobId(), "error", "too late")));

        assertEquals("stale_attempt", refused.code());
    }

    @Test
    void what_is_for_attempts_alone_needs_a_token() {
        Problem refused =
                refusal(call("completeJob", null, Map.of("jobId", door.work().jobId(), "summary", "mine")));

        assertEquals("403 forbidden token", refused.status() + " " + refused.code() + " " + refused.field());
    }

    @ParameterizedTest
    @ValueSource(strings = {"issueAgentToken", "issueGatewayToken"})
    void a_route_issues_no_token_in_whichever_name(String operation) {
        for (String token : new String[] {null, door.operator()}) {
            Problem refused = refusal(call(operation, token, Map.of("agentId", "worker")));

            assertEquals("403 forbidden", refused.status() + " " + refused.code());
        }
    }

    @Test
    void a_wrong_token_is_no_way_back_to_the_routes_own_name() {
        Problem refused = refusal(call("listJobs", "aba_nobody", Map.of()));

        assertEquals("401 invalid_token", refused.status() + " " + refused.code());
    }

    @Test
    void an_operation_that_does_not_exist_is_named_with_its_neighbour() {
        Problem refused = refusal(call("listJob", null, Map.of()));

        assertEquals("404 no_such_operation", refused.status() + " " + refused.code());
        assertTrue(refused.getMessage().contains("listJobs"), refused.getMessage());
    }

    @Test
    void the_namespace_is_the_routes_to_choose_and_not_the_bodys() {
        Problem refused = refusal(call("listJobs", null, Map.of("namespace", "blue")));
        assertEquals("unknown_field namespace", refused.code() + " " + refused.field());

        Exchange chosen = producer.send("direct:trigger", exchange -> {
            exchange.setVariable("operation", "listJobs");
            exchange.setVariable("namespace", "nowhere");
        });
        assertEquals("unknown_namespace", refusal(chosen).code());
    }

    @Test
    void headers_choose_neither_operation_nor_token_nor_statement() {
        Exchange done = producer.send("direct:trigger", exchange -> {
            exchange.getMessage()
                    .setHeaders(new java.util.HashMap<>(Map.of(
                            "operation", "pauseAgent",
                            "namespace", "nowhere",
                            "CamelSqlQuery", "select 'stolen'")));
            exchange.setVariable("operation", "listAgents");
        });

        assertNull(done.getException());
        assertTrue(done.getMessage().getBody(String.class).contains("\"agents\""));
        assertNull(done.getMessage().getHeader("CamelSqlQuery"));
    }

    @Test
    void a_call_inherits_nothing_from_the_one_before() {
        Work work = door.work();
        Exchange done = producer.send("direct:twice", exchange -> {
            exchange.setVariable("operation", "completeJob");
            exchange.setVariable("token", work.token());
            exchange.getMessage().setBody(Map.of("jobId", work.jobId(), "summary", "done"));
        });

        assertNull(done.getException());
        assertTrue(done.getMessage().getBody(String.class).contains("\"agents\""));
        assertEquals("succeeded", state(work.jobId()));
    }

    @Test
    void without_an_operation_nothing_runs() {
        Problem refused = refusal(producer.send("direct:trigger", exchange -> {}));

        assertEquals("missing_field operation", refused.code() + " " + refused.field());
    }

    private static Exchange call(String operation, String token, Object body) {
        return producer.send("direct:trigger", exchange -> {
            exchange.setVariable("operation", operation);
            if (token != null) {
                exchange.setVariable("token", token);
            }
            exchange.getMessage().setBody(body);
        });
    }

    private static JsonNode answer(Exchange done) throws Exception {
        assertNull(done.getException());
        return Json.read(done.getMessage().getBody(String.class));
    }

    private static Problem refusal(Exchange done) {
        assertNotNull(done.getException(), "it was not refused");
        return (Problem) done.getException();
    }

    private static String state(String job) {
        return door.database()
                .jdbc()
                .queryForObject("select state from jobs where job_id = ?::uuid", String.class, job);
    }

    private static List<String> actors(String job) {
        return door.database().jdbc().queryForList("select actor from audit_log where row_id = ?", String.class, job);
    }
}
