package agentbus.sql;

import static agentbus.sql.Orders.hour;
import static agentbus.sql.Orders.order;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A row that a sweep cannot handle is noted and passed over. */
@ExtendWith(PostgresExtension.class)
class SweepFailuresTest {
    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        bus.jdbc()
                .execute(
                        """
                        create function break_it() returns trigger language plpgsql as
                        $$ begin raise exception 'this row is broken'; end $$""");
    }

    @AfterEach
    void mend() {
        bus.jdbc().execute("drop function if exists break_it() cascade");
    }

    /** From now on no change of the row is possible. */
    private void broken(String table, String key, String id) {
        bus.jdbc()
                .execute("create trigger break_it before update on " + table + " for each row when (old." + key + " = '"
                        + id + "') execute function break_it()");
    }

    private String problems() {
        return bus.ask("health").get("problems").toString();
    }

    @Test
    void a_job_whose_lease_cannot_be_ended_holds_up_no_other() {
        Attempt broken = bus.running();
        Attempt sound = bus.running();
        bus.expire(broken.job());
        bus.expire(sound.job());
        broken("jobs", "job_id", broken.job());

        assertEquals(1, bus.recover().size());

        assertEquals("queued", bus.state(sound.job()));
        assertEquals("running", bus.state(broken.job()));
        assertTrue(bus.topics(broken.job()).contains("job.sweep_failed"));
        assertTrue(problems().contains("a sweep cannot handle job " + broken.job() + " (lease, 1 try"), problems());
        assertTrue(problems().contains("this row is broken"), problems());

        assertEquals(0, bus.recover().size());
        assertTrue(problems().contains("1 try"), "and waits before it is tried again");
    }

    @Test
    void requeue_expired_tries_it_at_once_and_says_why_it_does_not_move() {
        Attempt broken = bus.running();
        bus.expire(broken.job());
        broken("jobs", "job_id", broken.job());
        bus.recover();

        JsonNode answer = bus.ask("requeue_expired");

        assertEquals(0, answer.get("jobs").size());
        assertEquals(
                "job " + broken.job() + " cannot be moved: this row is broken",
                answer.get("problems").get(0).asText());
        assertEquals(2, answer.get("problems").size(), "and one lease is left");

        bus.jdbc().execute("drop trigger break_it on jobs");
        answer = bus.ask("requeue_expired");
        assertEquals(1, answer.get("jobs").size());
        assertEquals(0, answer.get("problems").size());
        assertEquals(0, bus.count("sweep_failures"));
    }

    @Test
    void a_broken_job_does_not_keep_the_others_from_their_time_after_an_outage() {
        Attempt broken = bus.running();
        Attempt sound = bus.running();
        bus.recover();
        bus.jdbc()
                .update(
                        "update bus_facts set value = (now() - interval '10 minutes')::text where name = 'last_recovery'");
        bus.expire(broken.job());
        bus.expire(sound.job());
        broken("jobs", "job_id", broken.job());

        bus.recover();

        assertEquals("running", bus.state(sound.job()));
        assertEquals(
                1,
                bus.count("jobs where leased_until > now() + interval '1 minute' and job_id = ?::uuid", sound.job()));
    }

    @Test
    void a_block_that_cannot_end_holds_up_no_other() {
        Attempt broken = bus.running();
        bus.block(broken, "at", "2100-01-01T00:00:00Z");
        Attempt sound = bus.running();
        bus.block(sound, "at", "2100-01-01T00:00:00Z");
        bus.jdbc().update("update jobs set blocked_until = now() - interval '1 second'");
        broken("jobs", "job_id", broken.job());

        assertEquals(1, bus.recover().size());

        assertEquals("queued", bus.state(sound.job()));
        assertTrue(problems().contains("(block, 1 try"), problems());
    }

    @Test
    void an_overdue_slot_that_cannot_be_ended_holds_up_no_other() {
        Orders orders = new Orders(bus);
        orders.hourly(hour(6), order("broken", "startedBy", "external"), order("sound", "startedBy", "external"));
        for (String name : List.of("broken", "sound")) {
            bus.ask("start_standing_order", "orderName", name);
        }
        bus.jdbc()
                .update(
                        "update standing_order_runs set deadline = now() - interval '1 minute' where status = 'started'");
        broken(
                "standing_order_runs",
                "run_id",
                bus.jdbc()
                        .queryForObject(
                                "select run_id::text from standing_order_runs"
                                        + " where order_name = 'broken' and status = 'started'",
                                String.class));

        assertEquals(1, bus.jdbc().queryForList("select end_overdue_slots()").size());

        assertEquals(1, bus.count("standing_order_runs where order_name = 'sound' and status = 'failed'"));
        assertEquals(1, bus.count("events where topic = 'standing_order.unsettled'"));
        assertTrue(problems().contains("a sweep cannot handle slot"), problems());
    }

    @Test
    void a_pause_that_cannot_end_holds_up_no_other() {
        for (String agent : List.of("devops", "research")) {
            bus.ask("pause", "kind", "agent", "name", agent, "reason", "maintenance", "until", "2100-01-01T00:00:00Z");
        }
        bus.jdbc().update("update pauses set until = now() - interval '1 second'");
        broken(
                "pauses",
                "pause_id",
                bus.jdbc().queryForObject("select pause_id::text from pauses where name = 'devops'", String.class));

        bus.jdbc().execute("select sweep_pauses()");

        assertEquals(1, bus.count("pauses where name = 'research' and ended_at is not null"));
        assertEquals(1, bus.count("pauses where name = 'devops' and ended_at is null"));
        assertTrue(problems().contains("a sweep cannot handle pause"), problems());
        assertTrue(bus.ask("needs_me").toString().contains("A sweep cannot handle 1 pause (pause): "));
        assertEquals(0, bus.count("events where topic = 'job.sweep_failed'"), "it is no job");

        bus.jdbc().execute("drop trigger break_it on pauses");
        bus.jdbc().update("update sweep_failures set retry_at = now()");
        bus.jdbc().execute("select sweep_pauses()");
        assertEquals(0, bus.count("pauses where ended_at is null"));
        assertEquals(0, bus.count("sweep_failures"));
    }

    @Test
    void health_says_when_no_recovery_gets_through() {
        bus.recover();
        assertTrue(!problems().contains("recovery"), problems());

        bus.jdbc()
                .update(
                        "update bus_facts set value = (now() - interval '2 minutes')::text where name = 'last_recovery'");

        assertTrue(problems().contains("no recovery has succeeded since"), problems());
    }

    @Test
    void one_check_of_the_auditor_that_fails_does_not_stop_the_others() {
        bus.block(bus.running(), "person", "anna");
        bus.jdbc().execute("alter table standing_orders rename to hidden");
        try {
            bus.jdbc().queryForList("select audit_bus(now() + interval '11 minutes')");
        } finally {
            bus.jdbc().execute("alter table hidden rename to standing_orders");
        }
        assertEquals(1, bus.count("events where topic = 'audit.stuck_job'"));
    }
}
