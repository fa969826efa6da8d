package agentbus.sql;

import static agentbus.sql.Machine.refusal;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The agent of the drills of week-one: no dispatcher serves it, and it leaves nothing unfinished. */
@ExtendWith(PostgresExtension.class)
class WeekOneAgentTest {
    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
    }

    private String drill() {
        return bus.enqueue("targetAgent", "week-one", "subject", "week-one.loss");
    }

    private int begin() {
        return bus.ask("begin_week_one", "reason", "drill").get("cancelled").asInt();
    }

    @Test
    void its_jobs_are_pulled_and_never_dispatched_and_the_end_cancels_them() {
        begin();
        String job = drill();
        bus.enqueue();

        assertEquals(
                1,
                bus.jdbc()
                        .queryForList("select claim_for_dispatch('d', 50, 1000, array['default'])::text", String.class)
                        .size(),
                "only the job of devops");
        assertEquals(
                job,
                bus.ask("claim_jobs", "targetAgent", "week-one")
                        .at("/jobs/0/jobId")
                        .asText());
        assertEquals(
                1, bus.ask("end_week_one", "reason", "over").get("cancelled").asInt());
        assertEquals("cancelled", bus.state(job));
        assertFalse(bus.ask("end_week_one", "reason", "over").get("changed").asBoolean());
        assertEquals("agent_disabled", refusal(this::drill).code(), "between the drills nothing is enqueued for it");
    }

    @Test
    void drills_that_are_under_way_are_not_disturbed_and_broken_off_ones_are_cleaned_up() {
        begin();
        String left = drill();

        Refusal refusal = refusal(this::begin);
        assertEquals("409 wrong_state namespace", refusal.brief());
        assertTrue(refusal.message().matches("the drills of week-one are under way since \\S+Z"), refusal.message());
        assertEquals("queued", bus.state(left));

        bus.jdbc().update("update agents set updated_at = now() - interval '11 minutes' where agent_id = 'week-one'");
        assertEquals(1, begin());
        assertEquals("cancelled", bus.state(left));
    }

    @Test
    void an_agent_of_the_fleet_with_this_name_is_left_alone() {
        bus.jdbc().update("insert into agents (namespace, agent_id, accepts) values ('default', 'week-one', '{work}')");

        assertEquals(
                "agent week-one of namespace default belongs to the fleet (gateway default)",
                refusal(this::begin).message());
        assertFalse(bus.ask("end_week_one", "reason", "over").get("changed").asBoolean());
        assertEquals(1, bus.count("agents where agent_id = 'week-one' and enabled"));
    }
}
