package agentbus.sql;

import static agentbus.sql.Machine.json;
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

/** What came of idle thinking: what the runs have spent, the yield of an agent, its cadence and its report. */
@ExtendWith(PostgresExtension.class)
class IdleYieldTest {
    private Machine bus;
    private IdleRows rows;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        rows = new IdleRows(bus);
        bus.jdbc().queryForObject("select note_phase('default', 5, 'host-7')", String.class);
    }

    private JsonNode yields() {
        return bus.one(
                "select to_jsonb(y)::text from idle_yields('default', 'research', now() - interval '14 days') y");
    }

    private JsonNode settle() {
        return bus.one("select settle_idle()::text");
    }

    /** An ended job with an attempt that reported this usage. */
    private String worked(Object... usage) {
        Attempt attempt = bus.running("targetAgent", "research", "subject", "research.packet");
        bus.say(attempt, "complete_job", "summary", "thought", "usage", json(usage));
        return attempt.job();
    }

    private String spent(String job) {
        return bus.jdbc()
                .queryForObject(
                        "select concat_ws(' ', coalesce(tokens::text, '-'), coalesce(cost_usd::text, '-'), settled_at is not null)"
                                + " from idle_runs where job_id = ?::uuid",
                        String.class,
                        job);
    }

    @Test
    void a_run_is_settled_with_what_its_attempt_reported_and_once_only() {
        String job = worked("total", 12_000, "costUsd", 0.25, "model", "any");
        rows.run(0, "job_id", job);

        assertEquals(1, settle().get("settled").asInt());
        assertEquals("12000 0.25 t", spent(job));
        assertEquals(0, settle().get("settled").asInt());
    }

    @Test
    void a_run_without_a_report_waits_an_hour_for_it_and_is_settled_without() {
        String job = worked();
        rows.run(0, "job_id", job);
        assertEquals(0, settle().get("settled").asInt());

        bus.jdbc()
                .update(
                        "update idle_runs set ended_at = now() - interval '61 minutes', began_at = now() - interval '2 hours', created_at = now() - interval '2 hours'");
        assertEquals(1, settle().get("settled").asInt());
        assertEquals("- - t", spent(job));
    }

    @Test
    void numbers_that_no_run_can_reach_and_words_count_as_no_report() {
        String job = worked("total", "many", "costUsd", -3);
        rows.run(0, "job_id", job);
        String other = worked("total", new java.math.BigDecimal("1e300"), "costUsd", 1);
        rows.run(0, "job_id", other);
        bus.jdbc()
                .update(
                        "update idle_runs set ended_at = now() - interval '61 minutes', began_at = now() - interval '2 hours', created_at = now() - interval '2 hours'");

        assertEquals(2, settle().get("settled").asInt());
        assertEquals("- - t", spent(job));
        assertEquals("- 1 t", spent(other));
    }

    @Test
    void a_run_above_the_tokens_of_a_day_is_told_once() {
        String job = worked("total", 200_001);
        rows.run(0, "job_id", job);
        rows.run(0, "job_id", worked("total", 200_000));
        settle();
        bus.jdbc().update("update idle_runs set settled_at = null");
        settle();

        List<String> events =
                bus.jdbc().queryForList("select payload::text from events where topic = 'idle.over_cap'", String.class);
        assertEquals(1, events.size(), events::toString);
        JsonNode told = Machine.parse(events.get(0));
        assertEquals(job, told.get("jobId").asText());
        assertEquals(200_001, told.get("tokens").asInt());
        assertEquals(200_000, told.get("tokensOfADay").asInt());
    }

    @Test
    void outputs_are_reviewed_wanted_and_used_by_what_became_of_them() {
        String job = rows.run(3);
        rows.idea(job);
        rows.idea(job, "status", "archived", "ended_at", rows.ago(0, 0), "reviewed_at", null);
        String promoted = rows.promoted(job);
        rows.opportunity(job, "status", "rejected", "ended_at", rows.ago(0, 0), "decided_at", rows.ago(0, 0));
        Attempt done = bus.running();
        bus.complete(done);
        bus.jdbc()
                .update(
                        "update opportunities set status = 'converted_to_job', converted_job_id = ?::uuid, ended_at = now()"
                                + " where opportunity_id = ?::uuid",
                        done.job(),
                        promoted);
        MemoryRows memories = new MemoryRows(bus);
        memories.candidate(
                "source_job_id",
                job,
                "status",
                "promoted",
                "memory_id",
                memories.memory(),
                "decided_by",
                "agent:knowledge",
                "decided_at",
                rows.ago(0, 0),
                "ended_at",
                rows.ago(0, 0));
        // Of another job, and so no output of a run.
        rows.idea(java.util.UUID.randomUUID().toString());

        JsonNode seen = yields();
        assertEquals(
                "1 5 3 1 1 3 2 1",
                String.join(
                        " ",
                        List.of(
                                        "runs",
                                        "outputs",
                                        "ideas",
                                        "opportunities",
                                        "memory_candidates",
                                        "reviewed",
                                        "wanted",
                                        "used")
                                .stream()
                                .map(field -> seen.get(field).asText())
                                .toList()));
        assertEquals(
                "2.00",
                bus.jdbc()
                        .queryForObject(
                                "select yield::text from idle_yields('default', null, now() - interval '14 days')",
                                String.class));
    }

    @Test
    void an_idea_that_its_own_agent_promotes_is_wanted_only_when_the_opportunity_is_accepted() {
        String opportunity = rows.promoted(rows.run(1), "research");
        assertEquals("0 0 0", seenWantedJudged());
        bus.jdbc()
                .update("update opportunities set status = 'triaged', decided_at = now(),"
                        + " decided_by = 'attempt:research'");
        assertEquals("0 0 0", seenWantedJudged());
        bus.jdbc()
                .update(
                        "update opportunities set status = 'accepted', decided_by = 'operator:anna'"
                                + " where opportunity_id = ?::uuid",
                        opportunity);
        assertEquals("1 1 1", seenWantedJudged());
    }

    @Test
    void an_idea_that_its_own_agent_archives_is_not_reviewed() {
        rows.idea(
                rows.run(1),
                "status",
                "archived",
                "ended_at",
                rows.ago(0, 0),
                "reviewed_at",
                rows.ago(0, 0),
                "reviewed_by",
                "attempt:research");
        assertEquals("0 0 1", seenWantedJudged());
        bus.jdbc().update("update ideas set reviewed_by = 'agent:coordinator'");
        assertEquals("1 0 1", seenWantedJudged());
    }

    private String seenWantedJudged() {
        JsonNode seen = yields();
        return seen.get("reviewed") + " " + seen.get("wanted") + " " + seen.get("judged");
    }

    @Test
    void runs_that_work_has_stopped_or_that_failed_before_they_brought_anything_are_not_judged() {
        for (int day = 1; day <= 4; day++) {
            rows.run(day, "outcome", "stopped");
            rows.run(day, "outcome", "failed");
        }
        assertEquals(8, yields().get("runs").asInt());
        assertEquals(0, yields().get("judged").asInt());
        settle();
        daysPass(14);
        settle();
        assertEquals("1", factor(), "work that arrives says nothing about the thinking");

        rows.promoted(rows.run(1, "outcome", "stopped"));
        assertEquals(1, yields().get("judged").asInt());
    }

    @Test
    void a_question_is_wanted_when_a_person_has_answered_it() {
        Attempt attempt = bus.running("targetAgent", "research", "subject", "research.packet");
        String question = bus.say(attempt, "ask", "question", "Which of the two is right?")
                .at("/question/questionId")
                .asText();
        rows.run(0, "job_id", attempt.job());
        assertEquals(0, yields().get("wanted").asInt());

        bus.ask("answer_question", "questionId", question, "answer", "the first");
        assertEquals(1, yields().get("questions").asInt());
        assertEquals(1, yields().get("wanted").asInt());
    }

    @Test
    void a_run_whose_outputs_nobody_has_looked_at_is_judged_after_a_week_and_one_without_outputs_at_once() {
        rows.idea(rows.run(6));
        assertEquals(0, yields().get("judged").asInt());
        assertTrue(yields().get("yield").isNull());
        rows.run(1);
        rows.idea(rows.run(8), "created_at", rows.ago(8, 6));
        assertEquals(2, yields().get("judged").asInt());
        rows.run(0, "began_at", null, "seconds", 0, "outcome", "stopped");
        rows.run(0, "ended_at", null);
        assertEquals(3, yields().get("runs").asInt(), "runs that never began or go on do not count");
    }

    private String factor() {
        return bus.jdbc().queryForObject("select factor::text from idle_cadences", String.class);
    }

    /** The last look and the last change become so many days older. */
    private void daysPass(int days) {
        bus.jdbc()
                .update(
                        "update idle_cadences set created_at = created_at - make_interval(days => ?),"
                                + " changed_at = changed_at - make_interval(days => ?), looked_at = '-infinity'",
                        days,
                        days);
    }

    @Test
    void an_agent_that_brings_nothing_for_two_weeks_thinks_half_as_often_and_the_event_says_so_once() {
        for (int day = 1; day <= 8; day++) {
            rows.run(day);
        }
        assertEquals(0, settle().get("cadences").asInt(), "the first look only notes that it thinks");
        assertEquals("1", factor());
        daysPass(13);
        assertEquals(0, settle().get("cadences").asInt(), "two weeks have not passed");
        daysPass(1);
        assertEquals(1, settle().get("cadences").asInt());
        assertEquals("0.5", factor());
        daysPass(13);
        assertEquals(0, settle().get("cadences").asInt(), "one change in two weeks");

        JsonNode event = bus.one("select payload from events where topic = 'idle.cadence.halved'");
        assertEquals("research", event.get("agentId").asText());
        assertEquals(0.5, event.get("factor").asDouble());
        assertEquals(8, event.get("judged").asInt());
        JsonNode memo = bus.ask("compose_report", "kind", "weekly_bets");
        assertFalse(memo.get("markdown").asText().contains("research thinks"), "the change is older than the week");
    }

    @Test
    void it_halves_down_to_an_eighth_with_fewer_runs_each_time_and_no_further() {
        for (int day = 1; day <= 5; day++) {
            rows.run(day);
        }
        settle();
        for (String factor : List.of("0.5", "0.25", "0.125", "0.125")) {
            daysPass(14);
            settle();
            assertEquals(factor, factor());
        }
        assertEquals(3, bus.count("events where topic = 'idle.cadence.halved'"));
    }

    @Test
    void four_runs_or_an_output_in_ten_change_nothing() {
        for (int day = 1; day <= 4; day++) {
            rows.run(day);
        }
        settle();
        daysPass(14);
        settle();
        assertEquals("1", factor());

        for (int day = 5; day <= 9; day++) {
            rows.run(day);
        }
        rows.promoted(rows.run(1));
        daysPass(14);
        settle();
        assertEquals("1", factor(), "one of ten runs has brought something");
    }

    @Test
    void an_agent_whose_outputs_are_wanted_thinks_twice_as_often_and_the_memo_has_a_line() {
        for (int day = 1; day <= 5; day++) {
            String job = rows.run(day, "tokens", 20_000, "settled_at", rows.ago(0, 0));
            if (day <= 3) {
                rows.promoted(job);
            }
        }
        settle();
        daysPass(14);
        assertEquals(1, settle().get("cadences").asInt());
        assertEquals("2", factor());
        assertEquals(1, bus.count("events where topic = 'idle.cadence.doubled'"));
        // A report ends with the last whole minute.
        bus.jdbc().update("update idle_cadences set changed_at = changed_at - interval '2 minutes'");

        String memo =
                bus.ask("compose_report", "kind", "weekly_bets").get("markdown").asText();
        assertTrue(
                memo.contains(
                        "research thinks twice as often as its order says, because 3 of 3 outputs of 5 judged runs were wanted."),
                memo);
        assertTrue(memo.contains("idle thinking: 5 runs, 3 outputs, 100000 tokens"), memo);
    }

    @Test
    void a_disabled_agent_and_one_of_a_frozen_phase_are_not_looked_at() {
        rows.run(1);
        bus.jdbc().update("update agents set enabled = false where agent_id = 'research'");
        settle();
        assertEquals(0, bus.count("idle_cadences"));
        bus.jdbc().update("update agents set enabled = true where agent_id = 'research'");
        bus.ask("freeze", "kind", "phase", "name", "5", "reason", "too many ideas");
        settle();
        assertEquals(0, bus.count("idle_cadences"));
    }

    @Test
    void the_report_has_each_agent_with_an_order_its_yield_its_skipped_slots_and_what_it_would_think_of_next() {
        bus.jdbc()
                .update(
                        "update agents set idle_questions = '{What would pay off repeatedly?}', idle_budget = '{\"runs\": 3}'"
                                + " where agent_id = 'devops'");
        new Orders(bus).sync(java.time.Instant.now(), Orders.order("devops-idle", "jobType", "idle", "phase", 5));
        for (int hour = 1; hour <= 3; hour++) {
            bus.jdbc()
                    .update(
                            "insert into standing_order_runs (namespace, agent_id, order_name, scheduled_for, status, summary,"
                                    + " finished_at) values ('default', 'devops', 'devops-idle', now() - make_interval(hours => ?),"
                                    + " 'skipped', ?, now())",
                            hour,
                            hour == 3 ? "an alert waits" : hour + " jobs are due");
        }
        rows.idea(rows.run(2, "tokens", 1000, "cost_usd", 0.1));
        rows.run(20);

        JsonNode report = bus.ask("idle_report");
        assertEquals(14, report.get("days").asInt());
        assertEquals(2, report.get("agents").size(), report::toPrettyString);
        JsonNode devops = report.at("/agents/0");
        assertEquals("devops", devops.get("agentId").asText());
        assertEquals("devops-idle", devops.get("orderName").asText());
        assertEquals(0, devops.get("runs").asInt());
        assertEquals(3, devops.get("skipped").asInt());
        assertEquals("1 jobs are due", devops.at("/skips/0/reason").asText());
        assertEquals(2, devops.at("/skips/0/slots").asInt());
        assertEquals(
                "What would pay off repeatedly?", devops.get("nextQuestion").asText());
        assertEquals(3, devops.at("/budget/runs").asInt());
        assertEquals(0, devops.at("/spentToday/runs").asInt());
        JsonNode research = report.at("/agents/1");
        assertEquals("research", research.get("agentId").asText());
        assertEquals(1, research.get("runs").asInt());
        assertEquals(1, research.get("ideas").asInt());
        assertEquals(1000, research.get("tokens").asInt());
        assertEquals(5, research.get("minutes").asInt());
        assertNull(research.get("orderName"));

        assertEquals(2, bus.ask("idle_report", "days", 30).at("/agents/1/runs").asInt());
        assertEquals(
                1,
                bus.ask("idle_report", "agentId", "coordinator").get("agents").size());
        assertEquals(
                "unknown_agent",
                Machine.refusal(() -> bus.ask("idle_report", "agentId", "nobody"))
                        .code());
    }

    @Test
    void each_namespace_has_its_own_yield_report_and_cadence() {
        bus.jdbc().update("insert into namespaces values ('other') on conflict do nothing");
        rows.run(1, "namespace", "other");
        bus.jdbc().update("insert into agents (namespace, agent_id, accepts) values ('other', 'research', '{work}')");
        settle();

        assertEquals(0, bus.count("idle_cadences where namespace = 'default'"));
        assertEquals(
                0,
                bus.ask("idle_report", "agentId", "research")
                        .at("/agents/0/runs")
                        .asInt());
        assertEquals(
                1,
                bus.ask("idle_report", "namespace", "other", "agentId", "research")
                        .at("/agents/0/runs")
                        .asInt());
    }
}
