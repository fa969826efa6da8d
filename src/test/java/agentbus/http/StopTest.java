package agentbus.http;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;

import agentbus.harness.Answer;
import agentbus.harness.Door;
import agentbus.harness.Door.Work;
import agentbus.harness.Mcp;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The door of a bus that is being stopped. */
@ExtendWith(PostgresExtension.class)
class StopTest {
    @Test
    void a_stop_lets_a_close_under_way_finish_and_asks_new_callers_to_come_again(
            TestDatabase database, @TempDir Path home) throws Exception {
        Door door = Door.open(database, home);
        CompletableFuture<Void> stop = null;
        try (Connection other = database.jdbc().getDataSource().getConnection()) {
            Work work = door.work();
            String operator = door.operator();
            other.setAutoCommit(false);
            try (PreparedStatement lock =
                    other.prepareStatement("select from jobs where job_id = '" + work.jobId() + "' for update")) {
                lock.execute();
            }
            CompletableFuture<Answer> close = CompletableFuture.supplyAsync(() ->
                    door.call("POST", "/v1/jobs/" + work.jobId() + "/complete", work.token(), "{\"summary\":\"s\"}"));
            await().atMost(Duration.ofSeconds(60)).until(() -> database.jdbc()
                    .queryForObject(
                            "select exists (select from pg_stat_activity where datname = current_database()"
                                    + " and wait_event_type = 'Lock')",
                            Boolean.class));

            stop = CompletableFuture.runAsync(door::close);
            Answer late = await().atMost(Duration.ofSeconds(60))
                    .until(() -> door.call("GET", "/v1/agents", operator, null), answer -> answer.status() != 200);
            Answer lateTool = new Mcp(door).post("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}");
            other.rollback();

            Door.assertProblem(late, 503, "unavailable");
            Door.assertProblem(lateTool, 503, "unavailable");
            assertEquals("200", close.get(20, TimeUnit.SECONDS).brief());
        } finally {
            if (stop == null) {
                door.close();
            } else {
                stop.get(30, TimeUnit.SECONDS);
            }
        }
    }
}
