package agentbus.console;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.contract.Operation;
import agentbus.harness.Answer;
import agentbus.harness.Door;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import agentbus.text.Json;
import agentbus.text.Sha256;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.dao.DataAccessException;

/** A viewer looks and does nothing else, over every operation of the contract, so that a new one is held to it, too. */
@ExtendWith(PostgresExtension.class)
class ViewerTest {
    private static final String ID = "01890000-0000-7000-8000-000000000000";
    private static Door door;
    private static String token;
    private static Browser browser;

    @BeforeAll
    static void open(TestDatabase database, @TempDir Path home) throws IOException {
        door = Door.open(database, home);
        token = issued("dora");
        browser = new Browser(door.bus().bus().url()).login(token);
    }

    private static String issued(String name) {
        Answer answer = door.post(
                "/v1/viewers/" + name + "/token?namespace=default", "{\"reason\":\"looks after the night shift\"}");
        Door.answered("issueViewerToken", answer);
        return answer.json().path("token").asText();
    }

    @AfterAll
    static void close() {
        door.close();
    }

    static Stream<Operation> looks() {
        return Door.CONTRACT.operations().stream().filter(each -> each.group().equals("look"));
    }

    static Stream<Operation> others() {
        return Door.CONTRACT.operations().stream().filter(each -> !each.group().equals("look"));
    }

    @ParameterizedTest
    @MethodSource("others")
    void sql_refuses_a_viewer_every_operation_that_is_no_look(Operation operation) {
        assertTrue(!operation.principals().contains("viewer"), operation.id());
        ObjectNode credential = Json.object().put("tokenHash", Sha256.hex(token));
        operation.principals().forEach(credential.putArray("allowed")::add);

        DataAccessException refused = assertThrows(
                DataAccessException.class,
                () -> door.database().jdbc().queryForList("select principal_of(?::jsonb)", credential.toString()));

        assertTrue(
                refused.getMostSpecificCause()
                        .getMessage()
                        .contains("this operation is not for a token of kind viewer"),
                refused.getMessage());
        credential.remove("tokenHash");
        credential.put("sessionHash", Sha256.hex(browser.cookie().split("=", 2)[1]));
        assertThrows(
                DataAccessException.class,
                () -> door.database().jdbc().queryForList("select principal_of(?::jsonb)", credential.toString()));
    }

    @ParameterizedTest
    @MethodSource("others")
    void the_page_of_a_viewer_is_refused_every_operation_that_is_no_look(Operation operation) {
        Answer answer = door.untouched(() -> browser.call(operation.method(), path(operation), "{}"));

        // A wrong input may be named first; nothing has happened either way.
        assertTrue(List.of(400, 403, 415).contains(answer.status()), answer.text());
    }

    @ParameterizedTest
    @MethodSource("looks")
    void every_look_is_open_to_a_viewer_and_writes_nothing(Operation operation) {
        assertTrue(operation.principals().contains("viewer"), operation.id());
        Answer answer = browser.call(
                operation.method(), path(operation), operation.method().equals("GET") ? null : "{}");

        assertNotEquals(403, answer.status(), answer.text());
        // 503 would be the refusal of a write by a transaction that only reads.
        assertTrue(answer.status() < 500, answer.text());
    }

    @Test
    void postgres_refuses_a_change_in_the_transaction_of_a_viewer() {
        String credential = Json.object()
                .put("tokenHash", Sha256.hex(token))
                .set("allowed", Json.object().arrayNode().add("viewer"))
                .toString();

        DataAccessException refused = assertThrows(DataAccessException.class, () -> door.database()
                .jdbc()
                .queryForList("select emit_event(principal_of(?::jsonb), '{\"topic\": \"a.fact\"}')", credential));

        assertTrue(refused.getMessage().contains("read-only transaction"), refused.getMessage());
    }

    @Test
    void whoami_says_that_a_viewer_only_reads() {
        Answer me = door.call("GET", "/v1/whoami", token, null);

        Door.answered("whoami", me);
        assertEquals(
                "viewer dora default read",
                String.join(
                        " ",
                        me.json().path("kind").asText(),
                        me.json().path("name").asText(),
                        me.json().path("namespace").asText(),
                        me.json().path("scope").asText()));
        assertEquals("operate", door.get("/v1/whoami").json().path("scope").asText());
        assertEquals(
                "read",
                door.call("GET", "/v1/whoami", door.agentToken("worker"), null)
                        .json()
                        .path("scope")
                        .asText());
    }

    @Test
    void a_viewers_token_is_revoked_once_and_by_its_next_one() {
        String first = issued("erik");
        assertEquals(200, door.call("GET", "/v1/jobs", first, null).status());
        String second = issued("erik");
        assertEquals(200, door.call("GET", "/v1/jobs", first, null).status());
        assertEquals(200, door.call("GET", "/v1/jobs", second, null).status());
        assertEquals(401, door.call("GET", "/v1/jobs", first, null).status());

        Answer revoked = door.post("/v1/viewers/erik/revoke", "{\"reason\":\"has left\"}");
        Answer again = door.post("/v1/viewers/erik/revoke", "{\"reason\":\"has left\"}");

        Door.answered("revokeViewerToken", revoked);
        assertEquals("{\"name\":\"erik\",\"changed\":true,\"revoked\":1}", revoked.text());
        assertEquals("{\"name\":\"erik\",\"changed\":false,\"revoked\":0}", again.text());
        assertEquals(401, door.call("GET", "/v1/jobs", second, null).status());
        Answer unknown = door.post("/v1/viewers/nobody/revoke", "{\"reason\":\"r\"}");
        Door.assertProblem(unknown, 404, "unknown_viewer");
        assertEquals(
                List.of("viewer.token_issued", "viewer.token_issued", "viewer.tokens_revoked", "viewer.tokens_revoked"),
                door.database()
                        .jdbc()
                        .queryForList(
                                "select action from audit_log where row_id = 'erik' order by audit_id", String.class));
    }

    private static String path(Operation operation) {
        return operation
                .path()
                .replace("{orderName}", "nothing")
                .replace("{gateway}", "default")
                .replace("{agentId}", "worker")
                .replace("{name}", "nobody")
                .replace("{attemptNo}", "1")
                .replaceAll("\\{\\w+}", ID);
    }
}
