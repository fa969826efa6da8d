package agentbus.gateway;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** More jobs at once than a real gateway accepts. */
@Tag("real-gateway")
@ExtendWith(PostgresExtension.class)
class GatewayCapTest {
    private static final int CAP = 7;

    @TempDir
    Path home;

    @Test
    void twelve_jobs_at_once_fill_the_gateway_to_its_cap_and_none_is_lost(TestDatabase database) throws Exception {
        CountDownLatch go = new CountDownLatch(1);
        try (RealFleet fleet = new RealFleet(database, home, "cap", told -> new Move.Think(go, Move.complete()))) {
            List<UUID> jobs = new ArrayList<>();
            for (String agent : RealFleet.AGENTS) {
                jobs.add(fleet.enqueue(agent));
            }
            jobs.add(fleet.enqueue("devops"));
            jobs.add(fleet.enqueue("research"));

            RealFleet.waiting("the gateway is full")
                    .until(() -> fleet.model().thinking() == CAP && inFlight(fleet) == CAP);
            go.countDown();

            for (UUID job : jobs) {
                fleet.awaitState(job, "succeeded");
            }
            assertEquals(CAP, fleet.model().mostThinking());
            List<Integer> refused = fleet.jdbc()
                    .queryForList(
                            "select attempt_no from job_attempts where status not in ('succeeded', 'undelivered')",
                            Integer.class);
            assertTrue(refused.isEmpty(), refused::toString);
            RealFleet.say(
                    "twelve jobs: at most %d at once, %d hooks found no free place",
                    fleet.model().mostThinking(),
                    fleet.jdbc()
                            .queryForObject(
                                    "select count(*) from job_attempts where status = 'undelivered'", Integer.class));
        }
    }

    private static int inFlight(RealFleet fleet) throws Exception {
        return fleet.call("GET", "/v1/gateways", null)
                .path("gateways")
                .path(0)
                .path("inFlight")
                .asInt();
    }
}
