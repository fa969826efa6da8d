package agentbus.sql;

import static agentbus.sql.Machine.operator;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(PostgresExtension.class)
class ProposalSweepTest {
    private Machine bus;
    private Decisions lane;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        lane = Decisions.of(bus);
    }

    private void due(String opportunity) {
        bus.jdbc().update("update opportunities set parked_until = now() where opportunity_id = ?::uuid", opportunity);
    }

    private String idle(Object... columns) {
        return lane.rows.idea(columns);
    }

    @Test
    void an_idea_that_nobody_touched_for_14_days_is_archived_with_the_reason() {
        String touched = lane.rows.ago("days => 13");
        String untouched = lane.rows.ago("days => 15");
        idle("touched_at", touched);
        String old = idle("touched_at", untouched, "notes", "Ask devops.", "status", "reviewed");

        assertEquals(1, lane.sweep().get("archived").asInt());
        assertEquals(0, lane.sweep().get("archived").asInt());

        JsonNode idea = bus.ask("get_idea", "ideaId", old);
        assertEquals("archived", idea.get("status").asText());
        assertTrue(
                idea.get("notes")
                        .asText()
                        .matches("Ask devops\\.\nArchived by the bus: nobody touched it since \\S+Z\\."),
                idea.toString());
        assertEquals(
                1,
                bus.count(
                        "audit_log where action = 'idea.changed' and actor = 'dispatcher:proposals'"
                                + " and why = 'nobody touched it for 14 days' and row_id = ?",
                        old));
        assertEquals(1, bus.count("ideas where status = 'new'"));
    }

    @Test
    void a_parked_opportunity_comes_back_at_its_date_and_says_why_it_was_parked() {
        String opportunity = lane.opportunity();
        String other = lane.opportunity();
        lane.park(operator(), opportunity, "After the release.", 5);
        lane.park(operator(), other, "Later.", 5);
        due(opportunity);

        assertEquals(1, lane.sweep().get("unparked").asInt());
        assertEquals(0, lane.sweep().get("unparked").asInt());

        assertEquals("triaged", lane.status(opportunity));
        assertEquals("parked", lane.status(other));
        JsonNode review = lane.get(opportunity).at("/reviews/1");
        assertEquals("unparked", review.get("decision").asText());
        assertEquals("dispatcher:proposals", review.get("reviewer").asText());
        assertTrue(
                review.get("notes")
                        .asText()
                        .matches("its date has come; it was parked by operator:anna at \\S+Z: After the release\\."),
                review.toString());
        assertEquals(1, bus.count("events where topic = 'opportunity.unparked'"));
    }

    @Test
    void an_opportunity_that_cannot_come_back_does_not_stop_the_others() {
        String broken = lane.opportunity();
        String good = lane.opportunity();
        lane.park(operator(), broken, "Later.", 5);
        lane.park(operator(), good, "Later.", 5);
        due(broken);
        due(good);
        bus.jdbc()
                .execute("create function agentbus.fail_review() returns trigger language plpgsql as"
                        + " 'begin raise exception ''the disk is full''; end'");
        bus.jdbc()
                .execute("create trigger fail_review before insert on opportunity_reviews for each row when"
                        + " (new.decision = 'unparked' and new.opportunity_id = '" + broken + "')"
                        + " execute function agentbus.fail_review()");
        try {
            assertEquals(1, lane.sweep().get("unparked").asInt());
            assertEquals("triaged", lane.status(good));
            assertEquals("parked", lane.status(broken));
            assertEquals(
                    "the disk is full",
                    bus.jdbc()
                            .queryForObject(
                                    "select error from sweep_failures where what = 'opportunity'", String.class));
        } finally {
            bus.jdbc().execute("drop trigger fail_review on opportunity_reviews");
            bus.jdbc().execute("drop function agentbus.fail_review()");
        }
        bus.jdbc().update("update sweep_failures set retry_at = now()");
        assertEquals(1, lane.sweep().get("unparked").asInt());
        assertEquals(0, bus.count("sweep_failures"));
    }

    @Test
    void many_sweeps_at_once_do_each_step_once() throws InterruptedException {
        String opportunity = lane.opportunity();
        lane.park(operator(), opportunity, "Later.", 5);
        due(opportunity);
        for (int i = 0; i < 20; i++) {
            idle("touched_at", lane.rows.ago("days => 20"));
        }

        List<JsonNode> sweeps = Race.won(6, i -> lane::sweep);

        assertEquals(
                20, sweeps.stream().mapToInt(s -> s.get("archived").asInt()).sum());
        assertEquals(1, sweeps.stream().mapToInt(s -> s.get("unparked").asInt()).sum());
        assertEquals(2, lane.reviews(opportunity));
    }

    @Test
    void a_row_that_another_call_has_locked_is_left_to_the_next_sweep() throws SQLException {
        String opportunity = lane.opportunity();
        lane.park(operator(), opportunity, "Later.", 5);
        due(opportunity);
        try (Connection holder = bus.jdbc().getDataSource().getConnection()) {
            holder.setAutoCommit(false);
            holder.createStatement().execute("select from opportunities for update");
            assertEquals(0, lane.sweep().get("unparked").asInt());
            holder.rollback();
            holder.setAutoCommit(true);
        }
        assertEquals(1, lane.sweep().get("unparked").asInt());
    }

    @Test
    void it_works_in_each_namespace_and_leaves_one_whose_phase_is_off_or_frozen() {
        bus.jdbc().update("insert into namespaces (namespace) values ('elsewhere') on conflict do nothing");
        idle("touched_at", lane.rows.ago("days => 20"), "namespace", "elsewhere");
        idle("touched_at", lane.rows.ago("days => 20"));
        bus.ask("freeze", "kind", "phase", "name", "3", "reason", "too much noise");

        assertEquals(1, lane.sweep().get("archived").asInt());
        assertEquals(1, bus.count("ideas where namespace = 'elsewhere' and status = 'archived'"));

        bus.ask("unfreeze", "kind", "phase", "name", "3", "reason", "quiet again");
        bus.jdbc().queryForList("select note_phase('default', 2, 'node-1')");
        assertEquals(0, lane.sweep().get("archived").asInt());
        bus.jdbc().queryForList("select note_phase('default', 3, 'node-1')");
        assertEquals(1, lane.sweep().get("archived").asInt());
    }

    /** The order that triages, carried out by research, without a slot ahead. */
    private void triageOrder() {
        new Orders(bus)
                .sync(
                        Instant.now(),
                        Orders.order("tracker-opportunity-triage", "agent", "research", "jobType", "proactive"));
    }

    private int triages() {
        return lane.sweep().get("triages").asInt();
    }

    private void anHourPasses() {
        bus.jdbc()
                .update(
                        "update standing_order_runs set status = 'completed', finished_at = now(), summary = 'done',"
                                + " started_at = started_at - interval '1 hour', scheduled_for = scheduled_for - interval '1 hour'");
        bus.jdbc().update("update opportunities set created_at = created_at - interval '2 hours'");
        bus.jdbc().update("update ideas set created_at = created_at - interval '2 hours'");
    }

    @Test
    void one_that_is_urgent_or_many_new_ones_start_the_triage_early_and_others_wait_for_its_slot() {
        triageOrder();
        lane.opportunity("urgency", 3);
        idle();
        assertEquals(0, triages(), "two that can wait");

        lane.opportunity("urgency", 4);
        assertEquals(1, triages());
        assertEquals(0, triages(), "its run is under way");
        JsonNode slot = bus.one("select to_jsonb(r) from standing_order_runs r");
        assertEquals("manual", slot.get("trigger_source").asText());
        assertEquals("dispatcher:proposals", slot.get("requested_by").asText());
        assertEquals(
                "standing_order.tracker-opportunity-triage",
                bus.column(slot.get("job_id").asText(), "subject", String.class));

        lane.opportunity("urgency", 5);
        bus.jdbc().update("update standing_order_runs set status = 'completed', finished_at = now(), summary = 'done'");
        assertEquals(0, triages(), "the last one began just now");

        anHourPasses();
        assertEquals(0, triages(), "the last one has seen them");
        for (int i = 0; i < 9; i++) {
            idle();
        }
        assertEquals(0, triages());
        idle();
        assertEquals(1, triages(), "ten new ones");
    }

    @Test
    void nothing_starts_early_shortly_before_a_slot_or_while_a_person_has_stopped_the_order() {
        triageOrder();
        lane.opportunity("urgency", 5);
        bus.jdbc()
                .update(
                        "insert into standing_order_runs (namespace, agent_id, order_name, scheduled_for)"
                                + " values ('default', 'research', 'tracker-opportunity-triage', now() + interval '20 minutes')");
        assertEquals(0, triages());

        bus.jdbc().update("update standing_order_runs set scheduled_for = now() + interval '40 minutes'");
        bus.ask("pause_agent", "agentId", "research", "reason", "moves house");
        assertEquals(0, triages());

        bus.ask("resume_agent", "agentId", "research");
        assertEquals(1, triages());
    }
}
