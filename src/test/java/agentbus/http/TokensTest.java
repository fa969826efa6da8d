package agentbus.http;

import static agentbus.harness.Door.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.contract.Input;
import agentbus.contract.Operation;
import agentbus.harness.Answer;
import agentbus.harness.Door;
import agentbus.harness.Door.Work;
import agentbus.harness.LogCapture;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestBus;
import agentbus.harness.TestDatabase;
import agentbus.settings.ServerKey;
import agentbus.text.Json;
import agentbus.text.Sha256;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Who may call what; that a token speaks for its owner alone; and that none of them is ever logged or kept. */
@ExtendWith(PostgresExtension.class)
class TokensTest {
    private static final String KINDS =
            "Bearer abo_… of an operator, abv_… of a viewer, aba_… of an agent, abg_… of a gateway or abt_… of an"
                    + " attempt";
    private static final String OF_THIS_BUS =
            "a token of this bus: of an operator, a viewer, an agent, a gateway or a live attempt";
    private static final String JOB = "{\"targetAgent\":\"worker\",\"subject\":\"work\"}";
    private static final String UNKNOWN_ID = "0190f5b8-2f4e-7cc1-8a61-6a0a3a3f9d10";
    private static final List<String> SECRETS = new ArrayList<>();
    private static Door door;
    private static LogCapture log;

    @BeforeAll
    static void open(TestDatabase database, @TempDir Path home) throws IOException {
        log = new LogCapture();
        door = Door.open(database, home);
        SECRETS.add(door.operator());
        SECRETS.add(TestBus.HOOK_TOKEN);
    }

    /** Over everything that the other tests of this class have done. */
    @AfterAll
    static void no_token_was_logged_or_kept() {
        door.close();
        log.close();
        assertTrue(SECRETS.size() > 5);
        for (String secret : SECRETS) {
            for (String line : log.lines()) {
                assertFalse(line.contains(secret), line);
            }
        }
        String kept = door.database()
                .jdbc()
                .queryForObject(
                        "select concat((select string_agg(t::text, ' ') from jobs t), (select string_agg(t::text, ' ')"
                                + " from job_attempts t), (select string_agg(t::text, ' ') from events t),"
                                + " (select string_agg(t::text, ' ') from audit_log t),"
                                + " (select string_agg(t::text, ' ') from access_tokens t))",
                        String.class);
        SECRETS.forEach(secret -> assertFalse(kept.contains(secret)));
    }

    private static Work work() {
        return work("worker");
    }

    private static Work work(String agent) {
        Work work = door.work(agent);
        SECRETS.add(work.token());
        return work;
    }

    private static String agentToken(String agent) {
        String token = door.agentToken(agent);
        SECRETS.add(token);
        return token;
    }

    private static String path(Work work, String step) {
        return "/v1/jobs/" + work.jobId() + "/" + step;
    }

    static Stream<Operation> operations() {
        return Door.CONTRACT.operations().stream();
    }

    @ParameterizedTest
    @MethodSource("operations")
    void an_operation_is_for_the_kinds_of_token_that_the_contract_names(Operation operation) {
        // Two agents, because none may have a hundred jobs at work.
        Work work = work(operation.group().equals("look") ? "other" : "worker");
        Map<String, String> tokens = new TreeMap<>();
        tokens.put("operator", door.operator());
        tokens.put("agent", agentToken("worker"));
        tokens.put("attempt", work.token());
        tokens.put("gateway", door.gatewayToken());
        SECRETS.add(tokens.get("gateway"));
        // Nothing in the database has this job or agent, and no body is right: whoever may call gets as far as that.
        String path = operation
                .path()
                .replace("{orderName}", "nothing")
                .replace("{gateway}", "nowhere")
                .replace("{agentId}", "nobody")
                .replace("{name}", "nobody")
                .replace("{attemptNo}", "1")
                .replace("{phase}", "1")
                .replaceAll("\\{\\w+Id}", UNKNOWN_ID);
        String body = body(operation);

        Answer without = door.unchanged(() -> door.call(operation.method(), path, null, body));
        refused(without, 401, "missing_token", "Authorization", null, "Authorization: Bearer <token>");
        assertEquals("Bearer", without.header("WWW-Authenticate"));
        tokens.forEach((kind, token) -> {
            if (operation.principals().contains(kind)) {
                // An operation on the whole bus would stop the work of the other tests.
                boolean ofTheWholeBus = operation.group().equals("operate") && path.equals(operation.path());
                Answer answer = door.call(operation.method(), path, token, ofTheWholeBus ? null : body);
                assertFalse(List.of(401, 403).contains(answer.status()), kind + ": " + answer.text());
            } else {
                refused(
                        door.unchanged(() -> door.call(operation.method(), path, token, body)),
                        403,
                        "forbidden",
                        "token",
                        "'" + kind + "'",
                        "a token of kind " + String.join(" or ", operation.principals()));
            }
        });
    }

    /** A body with a value for each required field, so that the token is what decides; null when none is required. */
    private static String body(Operation operation) {
        return switch (operation.id()) {
            case "enqueueJob" -> JOB;
            case "claimJobs" -> "{\"targetAgent\":\"other\"}";
            case "emitEvent" -> "{\"topic\":\"a.fact\"}";
            default -> {
                ObjectNode body = Json.object();
                operation.inputs().stream()
                        .filter(input -> input.required() && input.in() == Input.In.BODY)
                        .forEach(input -> body.set(input.name(), value(input.schema())));
                yield body.isEmpty() ? null : body.toString();
            }
        };
    }

    private static JsonNode value(JsonNode schema) {
        if (schema.has("enum")) {
            return schema.at("/enum/0");
        }
        return switch (schema.path("type").asText()) {
            case "integer" -> Json.object().numberNode(schema.path("minimum").asLong());
            case "boolean" -> Json.object().booleanNode(true);
            case "object" -> Json.object();
            case "array" -> {
                ArrayNode array = Json.object().arrayNode();
                if (schema.path("minItems").asInt() > 0) {
                    array.addObject().put("kind", "job").put("id", UNKNOWN_ID);
                }
                yield array;
            }
            default -> {
                String nobody =
                        schema.path("minLength").asInt() > "nobody".length() ? "nobody knows of this" : "nobody";
                yield Json.object()
                        .textNode(UNKNOWN_ID.matches(schema.path("pattern").asText("-")) ? UNKNOWN_ID : nobody);
            }
        };
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "x",
                "abx_AAAA",
                "abt_",
                "abt_short",
                "abt_0000000000000000000000",
                "abt_AZf0AAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                "abt_!!!!!!!!!!!!!!!!!!!!!!.x"
            })
    void a_made_up_token_is_refused_before_the_database_is_asked(String token) {
        Answer answer = door.unchanged(() -> door.call("GET", "/v1/health", token, null));

        refused(answer, 401, "invalid_token", "Authorization", null, KINDS);
        assertFalse(answer.text().contains(token.length() > 4 ? token : "abt_\""), answer.text());
    }

    @ParameterizedTest
    @ValueSource(strings = {"abo_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "abo_", "aba_x' or true --"})
    void a_long_lived_token_that_nobody_was_given_is_refused(String token) {
        Door.assertProblem(door.unchanged(() -> door.call("GET", "/v1/health", token, null)), 401, "invalid_token");
    }

    @ParameterizedTest
    @ValueSource(strings = {"Basic YTpi", "Bearer", "Bearer a b", "nonsense"})
    void an_authorization_that_is_no_bearer_token_is_refused(String authorization) {
        Answer answer = door.unchanged(() -> door.raw("GET /v1/health", "Authorization: " + authorization));

        refused(answer, 401, "invalid_token", "Authorization", null, KINDS);
    }

    @Test
    void a_token_in_the_address_or_in_a_form_lets_nobody_in() {
        String bearer = "Bearer%20" + door.operator();

        Answer inQuery = door.unchanged(() -> door.call("GET", "/v1/health?Authorization=" + bearer, null, null));
        Answer inForm = door.unchanged(() ->
                door.raw("POST /v1/jobs?authorization=" + bearer, "Content-Type: application/x-www-form-urlencoded"));

        Door.assertProblem(inQuery, 401, "missing_token");
        Door.assertProblem(inForm, 401, "missing_token");
        assertFalse((inQuery.text() + inForm.text()).contains(door.operator()));
    }

    @Test
    void a_content_type_in_the_address_stands_for_none() {
        Answer answer = door.unchanged(() -> door.send(
                "POST",
                "/v1/jobs?Content-Type=application/json",
                BodyPublishers.ofString(JOB),
                "Content-Type",
                "text/x"));

        assertEquals(400, answer.status(), answer.text());
    }

    @Test
    void an_attempt_s_token_under_another_server_s_key_is_refused(@TempDir Path elsewhere) {
        Work work = work();
        String foreign = ServerKey.load(elsewhere, Map.of()).attemptToken(UUID.fromString(work.attemptId()));

        Answer answer = door.unchanged(() -> door.call("POST", path(work, "complete"), foreign, "{\"summary\":\"s\"}"));

        refused(answer, 401, "invalid_token", "Authorization", null, KINDS);
        assertEquals(
                "200",
                door.call("POST", path(work, "complete"), work.token(), "{\"summary\":\"s\"}")
                        .brief());
    }

    @Test
    void an_attempt_that_never_was_is_refused_though_its_token_is_genuine(@TempDir Path home) {
        Work work = work();
        door.database().jdbc().update("delete from job_attempts where attempt_id = ?::uuid", work.attemptId());

        Answer answer =
                door.unchanged(() -> door.call("POST", path(work, "complete"), work.token(), "{\"summary\":\"s\"}"));

        refused(answer, 401, "invalid_token", "token", null, OF_THIS_BUS);
    }

    @Test
    void a_claim_hands_out_a_token_that_works_and_keeps_its_hash_alone() {
        Work work = work();

        assertEquals(
                Sha256.hex(work.token()),
                door.database()
                        .jdbc()
                        .queryForObject(
                                "select encode(token_hash, 'hex') from job_attempts where attempt_id = ?::uuid",
                                String.class,
                                work.attemptId()));
        Answer running = door.call("POST", path(work, "running"), work.token(), null);
        assertEquals("running", running.json().path("state").asText(), running.text());
    }

    @Test
    void a_claim_says_nothing_of_the_nonce_that_guards_the_prompt() {
        door.job("coordinator", "");
        Answer claimed = door.post("/v1/jobs/claim", "{\"targetAgent\":\"coordinator\",\"limit\":100}");

        assertTrue(claimed.json().path("jobs").size() > 0, claimed.text());
        claimed.json().path("jobs").forEach(job -> {
            SECRETS.add(job.path("attemptToken").asText());
            assertFalse(job.has("nonce"), claimed.text());
        });
    }

    @Test
    void a_new_token_of_an_agent_works_and_the_older_ones_do_not() {
        String older = agentToken("other");
        assertEquals("200", door.call("GET", "/v1/jobs", older, null).brief());
        String newer = agentToken("other");

        assertNotEquals(older, newer);
        assertTrue(newer.matches("aba_[A-Za-z0-9_-]{43}"), newer);
        assertEquals("200", door.call("GET", "/v1/jobs", newer, null).brief());
        refused(
                door.unchanged(() -> door.call("GET", "/v1/jobs", older, null)),
                401,
                "invalid_token",
                "token",
                null,
                OF_THIS_BUS);
    }

    @Test
    void a_token_speaks_only_as_its_own_agent() {
        String agent = agentToken("worker");
        Work work = work();
        for (String token : List.of(agent, work.token())) {
            Answer own = door.call("POST", "/v1/jobs", token, JOB);
            assertEquals("worker", own.json().at("/job/sourceAgent").asText(), own.text());
            for (String path : List.of("/v1/jobs", "/v1/events")) {
                String foreign = path.equals("/v1/jobs")
                        ? "{\"targetAgent\":\"worker\",\"subject\":\"work\",\"sourceAgent\":\"other\"}"
                        : "{\"topic\":\"a.fact\",\"sourceAgent\":\"other\"}";
                refused(
                        door.unchanged(() -> door.call("POST", path, token, foreign)),
                        403,
                        "forbidden",
                        "sourceAgent",
                        "'other'",
                        "worker");
            }
            refused(
                    door.unchanged(() -> door.call("GET", "/v1/jobs?namespace=elsewhere", token, null)),
                    403,
                    "forbidden",
                    "namespace",
                    "'elsewhere'",
                    "default");
        }
    }

    @Test
    void an_agent_has_no_say_over_a_job_that_it_did_not_ask_for() {
        String agent = agentToken("other");
        String job = door.job();

        refused(
                door.unchanged(() -> door.call("POST", "/v1/jobs/" + job + "/cancel", agent, "{\"reason\":\"r\"}")),
                403,
                "forbidden",
                "jobId",
                "'" + job + "'",
                "an operator, or one of: coordinator");
    }
}
