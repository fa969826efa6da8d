package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Repeated calls of the handles on a live attempt. */
@ExtendWith(PostgresExtension.class)
class AttemptHandlesTest {
    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
    }

    private JsonNode end(String job, String reason) {
        return bus.ask("end_attempt", "jobId", job, "reason", reason);
    }

    private Attempt next(String job) {
        bus.makeDue(job);
        Attempt attempt = bus.claim();
        bus.admitted(attempt);
        return attempt;
    }

    @Test
    void an_end_that_is_repeated_without_a_number_does_not_reach_the_next_attempt() {
        String job = bus.running().job();
        assertFalse(end(job, "it hangs").has("changed"));
        assertFalse(end(job, "it hangs").get("changed").asBoolean(true), "while the job waits");

        Attempt second = next(job);
        assertFalse(end(job, "it hangs").get("changed").asBoolean(true));
        assertEquals("running", bus.state(job));

        assertFalse(end(job, "it writes nonsense").has("changed"), "another reason is another act");
        assertEquals("cancelled", bus.ofAttempt(second, "status", String.class));
    }

    @Test
    void the_same_end_a_while_later_is_another_act() {
        String job = bus.running().job();
        end(job, "it hangs");
        next(job);
        bus.jdbc()
                .execute(
                        """
                        alter table audit_log disable trigger user;
                        update audit_log set created_at = created_at - end_attempt_repeats();
                        alter table audit_log enable trigger user""");

        assertFalse(end(job, "it hangs").has("changed"));
        assertEquals("queued", bus.state(job));
    }
}
