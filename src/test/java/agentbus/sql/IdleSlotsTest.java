package agentbus.sql;

import static agentbus.sql.Machine.refusal;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

/** A slot of an order of idle thinking: its job, its question and its row of idle_runs. */
@ExtendWith(PostgresExtension.class)
class IdleSlotsTest {
    private Machine bus;
    private IdleBank idle;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        idle = new IdleBank(bus);
        idle.questions("research", "What changed?", "What do we repeat?");
        new Orders(bus)
                .sync(
                        Orders.T0,
                        Orders.order(
                                "think",
                                "agent",
                                "research",
                                "jobType",
                                "idle",
                                "preCheck",
                                "idle",
                                "priority",
                                1,
                                "instructions",
                                "Think about the question.\n"));
    }

    private JsonNode start() {
        return bus.ask("run_standing_order", "orderName", "think", "force", true)
                .get("run");
    }

    private JsonNode job(JsonNode slot) {
        return bus.one(
                "select to_jsonb(j) from jobs j where job_id = ?::uuid",
                slot.get("jobId").asText());
    }

    @Test
    void the_job_has_the_question_below_the_orders_text_and_the_row_has_question_news_and_gateway() {
        JsonNode slot = start();
        JsonNode job = job(slot);

        assertEquals(
                "Think about the question.\nThe question of this run: What changed?",
                job.get("instructions").asText());
        assertEquals("trusted", job.get("trust").asText());
        assertEquals(1, job.get("priority").asInt());
        assertEquals("[]", job.at("/payload/news").toString());
        JsonNode left = job.at("/payload/budgetLeft");
        assertEquals(4, left.size());
        assertEquals(2, left.get("runs").asInt());
        assertEquals(200_000, left.get("tokens").asInt());
        JsonNode run = bus.one("select to_jsonb(r) from idle_runs r");
        assertEquals("What changed?", run.get("question").asText());
        assertEquals("default", run.get("gateway").asText());
        assertEquals(slot.get("runId"), run.get("slot_id"));
        assertEquals(slot.get("jobId"), run.get("job_id"));
        assertEquals(
                Machine.parse("{\"runs\": 2, \"minutes\": 40, \"tokens\": 200000, \"dollars\": 2}"), run.get("budget"));
        assertTrue(run.get("by_hand").asBoolean());
        assertTrue(run.get("began_at").isNull() && run.get("outcome").isNull(), run.toString());
        assertEquals(1, bus.count("audit_log where action = 'idle_run.added'"));
    }

    @Test
    void the_wall_clock_of_a_run_is_what_is_left_of_the_minutes_of_the_day() {
        assertEquals(1200, job(start()).get("hard_timeout_seconds").asInt());
        bus.jdbc().update("delete from idle_runs");

        idle.budget("research", "minutes", 21);
        idle.run(0, "What do we repeat?", "seconds", 600);
        assertEquals(660, job(start()).get("hard_timeout_seconds").asInt());
        bus.jdbc().update("delete from idle_runs");

        idle.run(0, "What do we repeat?", "seconds", 1200);
        assertEquals(300, job(start()).get("hard_timeout_seconds").asInt(), "a start by hand passes the gate");
    }

    @Test
    void a_run_that_goes_on_after_an_answer_spends_no_minute_of_the_wait_for_it() {
        String job = answered();
        Attempt again = bus.claim();
        assertEquals(job, again.job());
        assertEquals("6", spentMinutes());

        bus.admitted(again);
        bus.jdbc()
                .update(
                        "update job_attempts set admitted_at = now() - interval '3 minutes' where attempt_id = ?::uuid",
                        again.id());
        assertEquals("9", spentMinutes());
    }

    /** A run of six minutes that ended with a question some hours ago, which a person has answered; its job. */
    private String answered() {
        start();
        Attempt first = bus.claim();
        bus.admitted(first);
        bus.jdbc().update("update job_attempts set admitted_at = admitted_at - interval '360 seconds'");
        String question = bus.say(first, "ask", "question", "May old packets go?", "why", "They are many")
                .at("/question/questionId")
                .asText();
        bus.jdbc().update("update idle_runs set began_at = began_at - interval '9 hours'");
        bus.ask("answer_question", "questionId", question, "answer", "Yes.");
        return first.job();
    }

    @Test
    void a_run_that_goes_on_has_only_the_time_that_is_left_of_its_wall_clock_and_of_the_day() {
        String job = answered();
        bus.claim();
        assertEquals(840, bus.column(job, "hard_timeout_seconds", Integer.class));
        JsonNode payload = Machine.parse(bus.column(job, "payload", String.class));
        assertEquals(34, payload.at("/budgetLeft/minutes").asInt());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "freeze | kind phase name 5 | phase 5 is frozen by ",
                "freeze | kind agent name research | agent research is frozen by ",
                "disable_standing_order | orderName think | standing order think is disabled by ",
                "phase | 4 | phase 5 (idle) is off since ",
                "minutes | 10 | its idle runs have spent 6 of 10 minutes today (UTC)",
            })
    void an_answered_question_waits_while_its_agent_may_not_think(String act, String input, String reason) {
        String job = answered();
        switch (act) {
            case "phase" ->
                bus.jdbc()
                        .update(
                                "insert into phases (namespace, phase, is_on, changed_by, setting)"
                                        + " values ('default', 5, false, 'host-7', ?)",
                                Integer.parseInt(input));
            case "minutes" -> idle.budget("research", "minutes", Integer.parseInt(input));
            default -> bus.ask(act, (Object[]) (input + " reason wait").split(" "));
        }

        assertEquals(List.of(), bus.claimedIds(50));
        assertEquals(
                0, bus.ask("claim_jobs", "targetAgent", "research").get("jobs").size());
        String next = bus.ask("get_job", "jobId", job).get("nextMove").asText();
        assertTrue(next.startsWith(reason), next);

        if (act.equals("freeze")) {
            bus.ask("unfreeze", (Object[]) (input + " reason on").split(" "));
            assertEquals(List.of(job), bus.claimedIds(50));
        }
    }

    @Test
    void a_claim_waits_for_no_row_of_an_idle_run_and_the_sweep_asks_that_run_later() throws SQLException {
        start();
        bus.admitted(bus.claim());
        String work = bus.enqueue("targetAgent", "research", "subject", "research.packet");
        try (Connection sweep = bus.jdbc().getDataSource().getConnection();
                Connection claim = bus.jdbc().getDataSource().getConnection()) {
            sweep.setAutoCommit(false);
            sweep.createStatement().execute("select from idle_runs for no key update");
            claim.createStatement().execute("set lock_timeout = '3s'");
            assertEquals(
                    List.of(work),
                    Machine.on(new SingleConnectionDataSource(claim, true)).claimedIds(50));
            claim.createStatement().execute("reset lock_timeout");
            sweep.rollback();
            sweep.setAutoCommit(true);
        }
        assertEquals(0, bus.count("idle_runs where stop_asked_at is not null"));

        bus.recover();
        assertEquals(1, bus.count("idle_runs where stop_reason = ?", "work arrived for research (job " + work + ")"));
    }

    @Test
    void a_run_that_has_ended_gets_no_reason_for_a_stop() {
        start();
        bus.admitted(bus.claim());
        bus.jdbc().update("update idle_runs set ended_at = now(), outcome = 'completed'");
        bus.jdbc().queryForList("select ask_idle_to_stop('default', null, null, 'work arrived')::text", String.class);
        assertEquals(0, bus.count("idle_runs where stop_asked_at is not null"));
    }

    private String spentMinutes() {
        return bus.one("select idle_spent('default', 'research')")
                .get("minutes")
                .asText();
    }

    @Test
    void a_start_by_hand_without_a_question_fails_with_the_reason() {
        idle.run(0, "What changed?");
        idle.run(0, "What do we repeat?");

        JsonNode slot = start();

        assertEquals("failed", slot.get("status").asText());
        assertEquals(
                "its job could not be enqueued: all 2 questions of agent research were asked within the last 14 days",
                slot.get("summary").asText());
        assertEquals(0, bus.count("jobs"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"idle", "idle.deep"})
    void nobody_enqueues_an_idle_job_not_even_an_operator(String type) {
        assertEquals(
                "422 invalid_field jobType",
                refusal(() -> bus.enqueue("jobType", type)).brief());
        assertEquals(0, bus.count("jobs"));
    }

    @Test
    void agents_get_their_questions_and_their_budget_from_their_files() {
        String file =
                """
                [{"id": "research", "configHash": "1", "idleQuestions": ["What changed?", "Who disagrees?"],
                  "idleBudget": {"runs": 1, "dollars": 0.5}}]
                """;
        bus.one("select sync_agents('default', ?::jsonb)", file);
        JsonNode agent = bus.ask("get_agent", "agentId", "research");
        assertEquals(
                "[\"What changed?\",\"Who disagrees?\"]",
                agent.at("/idle/questions").toString());
        assertEquals("{\"runs\":1,\"dollars\":0.5}", agent.get("idleBudget").toString());

        bus.one("select sync_agents('default', '[{\"id\": \"research\", \"configHash\": \"2\"}]')");
        assertEquals(
                "[]",
                bus.ask("get_agent", "agentId", "research")
                        .at("/idle/questions")
                        .toString());
    }
}
