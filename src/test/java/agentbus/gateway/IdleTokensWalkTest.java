package agentbus.gateway;

import static org.junit.jupiter.api.Assertions.assertEquals;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import java.nio.file.Path;
import java.sql.Timestamp;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.jdbc.core.JdbcTemplate;

/** An idle run on a real gateway spends more tokens than it may, and is stopped while it goes on. */
@Tag("real-gateway")
@ExtendWith(PostgresExtension.class)
class IdleTokensWalkTest {
    private static final String ORDER = "research-idle-cognition";
    /** Each answer of the scripted model is said to be 10 tokens long, so the second one is too much. */
    private static final int TOKENS = 15;

    @TempDir
    Path home;

    private final CountDownLatch never = new CountDownLatch(1);

    @Test
    void a_run_that_passes_its_tokens_is_asked_to_close_and_aborted(TestDatabase database) throws Exception {
        JdbcTemplate jdbc = database.jdbc();
        try (RealFleet fleet = new RealFleet(
                database, home, "tokens", this::move, "agentbus.phase", "5", "agentbus.orders.enabled", "true")) {
            // No slot of a schedule may come in between.
            jdbc.update("update standing_orders set planned_until = now() + interval '1 day'");
            jdbc.update("delete from standing_order_runs where status = 'expected'");
            jdbc.update(
                    "update agents set idle_budget = jsonb_build_object('tokens', ?::int) where agent_id = 'research'",
                    TOKENS);

            UUID idle = UUID.fromString(fleet.call(
                            "POST", "/v1/standing-orders/" + ORDER + "/run", "{\"reason\": \"walk\", \"force\": true}")
                    .at("/run/jobId")
                    .asText());
            RealFleet.waiting("the run was asked to close")
                    .atMost(Duration.ofMinutes(4))
                    .until(() -> jdbc.queryForObject(
                                    "select stop_reason from idle_runs where job_id = ?", String.class, idle)
                            != null);
            fleet.awaitState(idle, "cancelled");

            Map<String, Object> run = jdbc.queryForMap("select * from idle_runs where job_id = ?", idle);
            assertEquals("it has spent 20 tokens and might spend " + TOKENS, run.get("stop_reason"), run::toString);
            assertEquals("stopped", run.get("outcome"), run::toString);
            fleet.awaitAborted(idle);
            RealFleet.say(
                    "an idle run over its tokens ended %d ms after it was asked to close",
                    Duration.between(
                                    ((Timestamp) run.get("stop_asked_at")).toInstant(),
                                    ((Timestamp) run.get("ended_at")).toInstant())
                            .toMillis());
        }
    }

    /** The run reads twice and then thinks until it is aborted. */
    private Move move(Told told) {
        if (!told.subject().equals("standing_order." + ORDER)) {
            return Move.complete();
        }
        return new Move.Work(
                told.command("progress", "{\"line\": \"I read.\"}"),
                new Move.Work(
                        told.command("progress", "{\"line\": \"I read on.\"}"),
                        new Move.Think(never, Move.complete())));
    }
}
