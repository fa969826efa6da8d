package agentbus.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.IntNode;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ContractTest {
    private static final String JOB = "0190f5b8-2f4e-7cc1-8a61-6a0a3a3f9d10";
    private static final Contract CONTRACT = Contract.load();

    @Test
    void every_operation_says_what_it_is_and_who_may_call_it() {
        Set<String> groups = new HashSet<>();
        CONTRACT.groups().forEach(group -> groups.add(group.name()));
        assertFalse(CONTRACT.operations().isEmpty());
        for (Operation operation : CONTRACT.operations()) {
            assertFalse(operation.summary().isBlank(), operation.id());
            assertTrue(operation.example().contains("agentbus " + operation.kebabName()), operation.id());
            assertTrue(groups.contains(operation.group()), operation.id() + " is in no group");
            assertFalse(operation.principals().isEmpty(), operation.id());
            assertTrue(
                    List.of("operator", "viewer", "agent", "attempt", "gateway").containsAll(operation.principals()),
                    operation.id());
        }
    }

    @Test
    void every_input_is_described_and_every_pattern_has_words() {
        for (Operation operation : CONTRACT.operations()) {
            for (Input input : operation.inputs()) {
                String where = operation.id() + "." + input.name();
                assertFalse(input.description().isBlank(), where);
                assertFalse(input.schema().has("$ref"), where);
                assertTrue(!input.schema().has("pattern") || input.schema().has("x-expected"), where);
            }
        }
    }

    @Test
    void no_text_with_a_pattern_may_be_longer_than_patterns_are_matched() {
        for (Operation operation : CONTRACT.operations()) {
            for (Input input : operation.inputs()) {
                for (JsonNode schema : input.schema().findParents("pattern")) {
                    assertTrue(
                            schema.path("maxLength").asInt() <= InputSchema.LONGEST_MATCHED,
                            operation.id() + "." + input.name() + ": " + schema);
                }
            }
        }
    }

    @Test
    void a_text_that_the_command_line_prints_is_a_required_text_of_the_answer() {
        JsonNode paths = CONTRACT.document().get("paths");
        List<Operation> withText = CONTRACT.operations().stream()
                .filter(operation -> operation.special().textField().isPresent())
                .toList();
        assertEquals(
                List.of("phaseGate", "account", "composeReport", "getReport"),
                withText.stream().map(Operation::id).toList());
        for (Operation operation : withText) {
            String field = operation.special().textField().orElseThrow();
            JsonNode schema = paths.path(operation.path())
                    .path(operation.method().toLowerCase(java.util.Locale.ROOT))
                    .at("/responses/200/content/application~1json/schema");
            assertEquals(
                    "string", schema.path("properties").path(field).path("type").asText(), operation.id());
            assertTrue(schema.path("required").toString().contains('"' + field + '"'), operation.id());
        }
    }

    @Test
    void a_default_is_a_value_that_its_own_schema_allows() {
        for (Operation operation : CONTRACT.operations()) {
            for (Input input : operation.inputs()) {
                if (input.defaultValue() != null) {
                    JsonNode whole = operation.inputSchema().path("properties").path(input.name());
                    assertEquals(input.defaultValue(), whole.get("default"), operation.id());
                    String type = input.type();
                    assertEquals(type.equals("integer"), input.defaultValue().isInt(), input.name());
                    assertEquals(type.equals("boolean"), input.defaultValue().isBoolean(), input.name());
                    assertEquals(type.equals("object"), input.defaultValue().isObject(), input.name());
                }
            }
        }
    }

    @Test
    void every_code_used_here_is_one_of_the_contract() {
        Set<String> codes = new HashSet<>();
        CONTRACT.document()
                .at("/components/schemas/Problem/properties/code/enum")
                .forEach(code -> codes.add(code.asText()));
        List<Problem> problems = List.of(
                Problem.malformedJson("d", "e"),
                Problem.invalidField("f", IntNode.valueOf(1), "d", "e"),
                Problem.unknownField("f", IntNode.valueOf(1), "d", "e"),
                Problem.missingField("f", "d", "e"),
                Problem.unsupportedMediaType("text/plain"),
                Problem.noSuchOperation("x", Optional.empty()),
                Problem.methodNotAllowed("PUT", "/v1/jobs", List.of("GET")));
        problems.forEach(problem -> assertTrue(codes.contains(problem.code()), problem.code()));
    }

    @Test
    void an_operation_is_known_by_its_id_and_by_its_command() {
        Operation operation = CONTRACT.operation("renewJobLease");
        assertEquals("renew-job-lease", operation.kebabName());
        assertEquals("POST", operation.method());
        assertEquals("/v1/jobs/{jobId}/renew", operation.path());
        assertEquals(List.of("attempt"), operation.principals());
        assertEquals(
                List.of("jobId", "leaseSeconds", "namespace"),
                operation.inputs().stream().map(Input::name).toList());
        Problem unknown = assertThrows(Problem.class, () -> CONTRACT.operation("renewLease"));
        assertEquals("no_such_operation", unknown.code());
        assertEquals("renewJobLease", unknown.expected());
    }

    @Test
    void a_path_gives_its_operation_and_its_decoded_parameters() {
        Match match = CONTRACT.match("POST", "/v1/agents/dev%6Fps/pause");
        assertEquals("pauseAgent", match.operation().id());
        assertEquals(Map.of("agentId", "devops"), match.pathParameters());
        assertEquals(
                Map.of("jobId", "a+b c"),
                CONTRACT.match("GET", "/v1/jobs/a+b%20c").pathParameters());
        assertEquals(
                "getJob", CONTRACT.match("GET", "/v1/jobs/" + JOB).operation().id());
    }

    @Test
    void a_fixed_segment_goes_before_a_parameter() {
        assertEquals(
                "claimJobs",
                CONTRACT.match("POST", "/v1/jobs/claim").operation().id());
        Problem problem = assertThrows(Problem.class, () -> CONTRACT.match("GET", "/v1/jobs/claim"));
        assertEquals("method_not_allowed", problem.code());
    }

    @Test
    void a_path_that_is_not_there_is_404_and_names_the_nearest() {
        Problem problem = assertThrows(Problem.class, () -> CONTRACT.match("GET", "/v1/job"));
        assertEquals(404, problem.status());
        assertEquals("no_such_operation", problem.code());
        assertEquals("There is no operation \"GET /v1/job\"; did you mean /v1/jobs?", problem.detail());
        for (String path : List.of("", "/", "/v1/jobs/", "/v1/jobs//complete", "/v2/jobs", "/v1/jobs/a/b/c")) {
            assertEquals(
                    404,
                    assertThrows(Problem.class, () -> CONTRACT.match("GET", path))
                            .status(),
                    path);
        }
    }

    @Test
    void a_method_that_a_path_does_not_have_is_405_and_names_those_it_has() {
        Problem problem = assertThrows(Problem.class, () -> CONTRACT.match("DELETE", "/v1/jobs"));
        assertEquals(405, problem.status());
        assertEquals("POST, GET", problem.expected());
        assertEquals("\"/v1/jobs\" has no method \"DELETE\"; it has POST, GET.", problem.detail());
    }

    @Test
    void a_parameter_that_cannot_be_decoded_is_named() {
        Problem problem = assertThrows(Problem.class, () -> CONTRACT.match("GET", "/v1/jobs/%zz"));
        assertEquals("invalid_field", problem.code());
        assertEquals("jobId", problem.field());
        assertEquals("%zz", problem.value().textValue());
    }

    @Test
    void a_file_that_refers_to_nothing_or_to_itself_is_refused() {
        for (String yaml : List.of("a: { $ref: '#/b' }", "a: { $ref: '#/a' }", "a: { $ref: 'other.yaml' }")) {
            ByteArrayInputStream in = new ByteArrayInputStream(yaml.getBytes(StandardCharsets.UTF_8));
            assertThrows(IllegalStateException.class, () -> Contract.read(in), yaml);
        }
    }

    @Test
    void what_idle_attempts_may_write_is_marked_at_writes_of_attempts_only() {
        for (Operation operation : CONTRACT.operations()) {
            if (operation.special().idle()) {
                assertTrue(operation.principals().contains("attempt"), operation.id());
                assertFalse(operation.principals().contains("viewer"), operation.id());
                assertFalse(operation.method().equals("GET"), operation.id());
            }
        }
        for (String principals : List.of("[operator, agent]", "[operator, viewer, attempt]")) {
            String yaml =
                    "paths: { /v1/x: { post: { operationId: x, tags: [work], summary: s, x-example: e, x-idle: true,"
                            + " x-principals: " + principals + " } } }";
            IllegalStateException wrong = assertThrows(
                    IllegalStateException.class,
                    () -> Contract.read(new ByteArrayInputStream(yaml.getBytes(StandardCharsets.UTF_8))));
            assertEquals(
                    "The contract's x has x-idle true, which must be true, at a write that attempts may call.",
                    wrong.getMessage());
        }
    }

    @Test
    void a_problem_is_written_as_rfc_9457_and_read_again() {
        Problem problem = Problem.invalidField("priority", IntNode.valueOf(5000), "detail", "expected");
        assertEquals(
                "{\"type\":\"urn:agentbus:problem:invalid_field\",\"title\":\"Invalid field\",\"status\":400,"
                        + "\"code\":\"invalid_field\",\"detail\":\"detail\",\"field\":\"priority\",\"value\":5000,"
                        + "\"expected\":\"expected\"}",
                problem.toJson().toString());
        assertEquals(
                problem.toJson(),
                Problem.fromJson(400, problem.toJson()).orElseThrow().toJson());
        assertEquals(0, problem.getStackTrace().length);
        assertTrue(Problem.fromJson(500, IntNode.valueOf(1)).isEmpty());
        assertEquals(
                "Malformed JSON",
                Problem.malformedJson("d", "e").toJson().get("title").asText());
    }
}
