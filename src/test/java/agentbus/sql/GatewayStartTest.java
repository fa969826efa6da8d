package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A gateway that was restarted: its runs are in doubt until they speak. Its token, and its version on every attempt. */
@ExtendWith(PostgresExtension.class)
class GatewayStartTest {
    private Machine bus;
    private GatewayReports gateway;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        gateway = new GatewayReports(bus);
    }

    private static String outcome(JsonNode answer) {
        return answer.get("outcome").asText() + " " + answer.get("applied").asBoolean();
    }

    @Test
    void a_gateway_that_was_restarted_gives_its_runs_two_minutes() {
        gateway.booted("boot-1");
        Attempt attempt = bus.running();

        JsonNode answer = gateway.booted("boot-2");

        assertEquals(true, answer.get("newBoot").asBoolean());
        assertEquals(1, answer.get("runsInDoubt").asInt());
        assertEquals(120, answer.get("recoverySeconds").asInt());
        assertEquals(
                120,
                bus.jdbc()
                        .queryForObject(
                                "select extract(epoch from leased_until - updated_at)::int from jobs", Integer.class));
        assertTrue(bus.topics(attempt.job()).contains("job.gateway_restarted"));
        assertEquals(
                "2026.9.6 boot-2",
                bus.jdbc().queryForObject("select version || ' ' || boot_id from gateways", String.class));

        bus.expire(attempt.job());
        bus.recover();
        assertEquals("queued", bus.state(attempt.job()));
        assertEquals("timed_out", bus.ofAttempt(attempt, "status", String.class));
        assertEquals(
                "its gateway was restarted and the run did not come back",
                bus.column(attempt.job(), "last_error", String.class));
    }

    @Test
    void the_same_boot_said_twice_changes_nothing() {
        gateway.booted("boot-1");
        Attempt attempt = bus.running();

        JsonNode answer = gateway.booted("boot-1");

        assertFalse(answer.get("newBoot").asBoolean());
        assertNull(bus.ofAttempt(attempt, "interrupted_at", String.class));
    }

    @Test
    void a_run_that_was_admitted_after_the_boot_is_not_in_doubt_however_late_the_report() {
        Attempt attempt = bus.running();

        assertEquals(
                0,
                gateway.booted("boot-2", "uptimeMs", 60_000).get("runsInDoubt").asInt());
        assertNull(bus.ofAttempt(attempt, "interrupted_at", String.class));
    }

    @Test
    void a_run_that_speaks_after_the_restart_has_its_lease_back() {
        Attempt resumed = bus.running("timeoutSeconds", 600);
        Attempt reporting = bus.running();
        gateway.booted("boot-2");

        assertEquals("alive true", outcome(gateway.started(resumed)));
        bus.say(reporting, "report_progress", "line", "still here");

        assertEquals(
                600,
                bus.jdbc()
                        .queryForObject(
                                "select extract(epoch from leased_until - updated_at)::int from jobs where job_id = ?::uuid",
                                Integer.class,
                                resumed.job()));
        for (Attempt attempt : List.of(resumed, reporting)) {
            assertNull(bus.ofAttempt(attempt, "interrupted_at", String.class));
            bus.expire(attempt.job());
        }
        bus.recover();
        assertTrue(bus.column(resumed.job(), "last_error", String.class).startsWith("lease ran out"));
        assertTrue(bus.column(reporting.job(), "last_error", String.class).startsWith("lease ran out"));
    }

    @Test
    void a_close_after_the_restart_counts() {
        Attempt attempt = bus.running();
        gateway.booted("boot-2");

        bus.complete(attempt);

        assertEquals("succeeded", bus.state(attempt.job()));
    }

    @Test
    void a_gateways_token_is_good_for_every_namespace_and_the_use_of_a_new_one_ends_the_old() {
        for (String hash : List.of("aa".repeat(32), "bb".repeat(32))) {
            bus.ask("issue_gateway_token", "gateway", "default", "tokenHash", hash);
        }
        assertFalse(bus.one("select authenticate(decode(?, 'hex'))", "aa".repeat(32))
                .isNull());
        JsonNode principal = bus.one(
                "select principal_of(?::jsonb)",
                Machine.json("tokenHash", "bb".repeat(32), "allowed", List.of("gateway"))
                        .toString());
        assertNull(bus.one("select authenticate(decode(?, 'hex'))", "aa".repeat(32)));
        assertEquals("gateway", principal.get("kind").asText());
        assertEquals("default", principal.get("name").asText());
        assertTrue(principal.get("namespace").isNull());
        assertEquals(
                "403 forbidden token",
                Machine.refusal(() -> bus.one(
                                "select principal_of(?::jsonb)",
                                Machine.json("tokenHash", "bb".repeat(32), "allowed", List.of("operator"))
                                        .toString()))
                        .brief());
    }

    @Test
    void a_token_for_a_gateway_that_is_not_there_is_refused() {
        Refusal refusal =
                Machine.refusal(() -> bus.ask("issue_gateway_token", "gateway", "west", "tokenHash", "aa".repeat(32)));
        assertEquals("404 unknown_gateway gateway", refusal.brief());
        assertEquals("one of: default", refusal.expected());
    }

    @Test
    void an_attempt_keeps_the_versions_it_began_under() {
        gateway.booted("boot-1");
        bus.jdbc().update("update agents set config_hash = 'yaml-1', agents_md_hash = 'md-1'");
        Attempt attempt = bus.leased();
        bus.keepPrompt(
                Machine.D1,
                attempt,
                "close it with <token:" + attempt.claimed().get("nonce").asText() + ">");
        bus.jdbc().update("update agents set config_hash = 'yaml-2', agents_md_hash = null");

        JsonNode shown =
                bus.ask("get_job", "jobId", attempt.job(), "prompt", true).at("/attempts/0");

        assertEquals("2026.9.6", shown.get("gatewayVersion").asText());
        assertEquals("yaml-1", shown.get("agentYamlHash").asText());
        assertEquals("md-1", shown.get("agentsMdHash").asText());
        assertEquals("hash", shown.get("promptHash").asText());
        assertEquals("close it with <token>", shown.get("prompt").asText());
        assertFalse(bus.ask("get_job", "jobId", attempt.job()).at("/attempts/0").has("prompt"));
    }
}
