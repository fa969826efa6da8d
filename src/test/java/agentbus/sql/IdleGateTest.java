package agentbus.sql;

import static agentbus.sql.Machine.json;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

/** The idle gate: an agent thinks only while it and its gateway are quiet, and within its budget of the day. */
@ExtendWith(PostgresExtension.class)
class IdleGateTest {
    private Machine bus;
    private IdleBank idle;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        idle = new IdleBank(bus);
        for (String agent : List.of("research", "devops", "coordinator")) {
            idle.questions(agent, "Which belief may be wrong?", "What do we repeat?", "What changed?");
        }
    }

    /** A run that began now, so that it is of this day also when the test runs at midnight. */
    private void today(Object... columns) {
        idle.run(0, "Which belief may be wrong?", columns);
    }

    @Test
    void a_quiet_agent_may_think() {
        assertNull(idle.gate("research"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{'runs': 1} | {} | its idle runs have spent 1 of 1 runs today (UTC)",
                "{'minutes': 20} | {'seconds': 960} | its idle runs have spent 16 of 20 minutes today (UTC)",
                "{'tokens': 5000} | {'tokens': 7000} | its idle runs have spent 7000 of 5000 tokens today (UTC)",
                "{'dollars': 0.5} | {'cost_usd': 0.5} | its idle runs have spent 0.5 of 0.5 dollars today (UTC)",
                "{'runs': 0} | {} | agent research has no budget for idle runs: runs in the idleBudget of its agent.yaml is 0",
            })
    void a_spent_budget_of_the_day_ends_thinking(String budget, String run, String reason) {
        bus.jdbc().update("update agents set idle_budget = ?::jsonb", budget.replace('\'', '"'));
        today(Machine.parse(run.replace('\'', '"')).properties().stream()
                .flatMap(field -> Stream.of(field.getKey(), field.getValue()))
                .toArray());

        assertEquals(reason, idle.gate("research"));
    }

    @Test
    void the_default_budget_is_two_runs_and_a_run_that_never_began_spends_none() {
        bus.jdbc()
                .update(
                        "insert into idle_cadences (namespace, agent_id, factor, reason) values ('default', 'research', 2, 'r')");
        today("outcome", "stopped", "seconds", 0, "began_at", "never");
        today("outcome", "stopped", "seconds", 0, "began_at", "never");
        assertNull(idle.gate("research"));

        today();
        today();
        assertEquals("its idle runs have spent 2 of 2 runs today (UTC)", idle.gate("research"));
        assertNull(idle.gate("devops"), "each agent has its own budget");
    }

    @ParameterizedTest
    @CsvSource({"1, 1199, 1201", "2, 599, 601", "0.5, 2399, 2401"})
    void an_agent_rests_after_an_idle_run_for_as_long_as_its_cadence_says(double factor, int tooSoon, int rested) {
        idle.budget("research", "runs", 9);
        bus.jdbc()
                .update(
                        "insert into idle_cadences (namespace, agent_id, factor, reason) values ('default', 'research', ?, 'r')",
                        factor);
        idle.run(rested, "What do we repeat?");
        assertNull(idle.gate("research"));

        idle.run(tooSoon, "What changed?");
        String reason = idle.gate("research");
        assertTrue(reason.startsWith("it has thought idly lately; the next run may begin at "), reason);
        assertEquals(factor != 1, reason.contains("(its cadence factor is "), reason);
    }

    @Test
    void work_of_the_agent_keeps_it_from_thinking_and_work_of_others_does_not() {
        bus.enqueue("targetAgent", "devops");
        assertNull(idle.gate("research"));
        String due = bus.enqueue("targetAgent", "research", "subject", "research.packet");
        assertEquals("job " + due + " (research.packet) is due", idle.gate("research"));

        bus.jdbc().update("update jobs set run_after = now() + interval '1 hour' where job_id = ?::uuid", due);
        assertNull(idle.gate("research"), "a job that is due later");

        Attempt attempt = bus.claim();
        assertEquals("job " + attempt.job() + " (infra.check) is at work", idle.gate("devops"));
    }

    @Test
    void a_run_that_goes_on_after_its_job_keeps_the_agent_from_thinking() {
        Attempt attempt = bus.running();
        bus.jdbc().update("update job_attempts set run_started_at = now() where attempt_id = ?::uuid", attempt.id());
        bus.complete(attempt);

        String reason = idle.gate("devops");

        assertTrue(reason.startsWith("the run of job " + attempt.job() + " still goes on"), reason);
    }

    @Test
    void a_blocked_job_that_the_agent_can_move_keeps_it_from_thinking_and_no_other_block_does() {
        Attempt byPerson = bus.running();
        bus.block(byPerson, "person", "anna");
        laterReplans();
        Attempt byTime = bus.running();
        bus.block(byTime, "at", "2099-01-01T00:00:00Z");
        laterReplans();
        Attempt bySilence = bus.running();
        bus.say(bySilence, "ask", "question", "Which host?");
        assertNull(idle.gate("devops"));

        Attempt byAgent = bus.running();
        bus.block(byAgent, "agent", "research");
        laterReplans();
        assertNull(idle.gate("devops"), "research can move it, and devops cannot");
        assertEquals(
                "job " + byAgent.job() + " (infra.check) is blocked, and agent research can move it: no credentials",
                idle.gate("research"));

        bus.jdbc().update("update jobs set blocked_on_agent = null where job_id = ?::uuid", byAgent.job());
        assertTrue(idle.gate("devops").contains("is blocked, and agent devops can move it"), idle.gate("devops"));
    }

    /** A block makes a job for the coordinator, which would be claimed before the next job of the test. */
    private void laterReplans() {
        bus.jdbc().update("update jobs set run_after = now() + interval '1 day' where subject = 'blocked.replan'");
    }

    @Test
    void an_urgent_job_of_any_agent_and_an_alert_keep_the_namespace_from_thinking() {
        String urgent = bus.enqueue("priority", 500);
        assertEquals("job " + urgent + " (infra.check) of priority 500 waits for agent devops", idle.gate("research"));
        bus.ask("cancel_job", "jobId", urgent, "reason", "over");
        assertNull(idle.gate("research"));

        new ProposalRows(bus).opportunity("urgency", 5, "confidence", 4, "title", "The export grows");
        String reason = idle.gate("coordinator");
        assertTrue(
                reason.startsWith("an alert waits for a person (needs-me): research says it is urgent: The export"),
                reason);
    }

    @Test
    void ten_thousand_queued_jobs_of_others_do_not_slow_the_gate() throws SQLException {
        bus.jdbc()
                .update(
                        "insert into jobs (namespace, target_agent, job_type, subject, priority, state, timeout_seconds,"
                                + " hard_timeout_seconds) select 'default', 'devops', 'reactive', 'infra.check', 100, 'queued', 60, 60"
                                + " from generate_series(1, 10000)");
        bus.jdbc().execute("analyze jobs");

        assertNull(idle.gate("research"));
        long pages = pages();
        // Some walk over the index of queued jobs, a hundred pages; reading the rows would be three hundred each time.
        assertTrue(pages < 600, pages + " pages");
    }

    /** Pages that the gate looks at. */
    private long pages() throws SQLException {
        try (Connection connection = bus.jdbc().getDataSource().getConnection()) {
            Machine one = Machine.on(new SingleConnectionDataSource(connection, true));
            String gate = "explain (analyze, buffers, format json) select precheck_idle('default', 'research', now())";
            // The first call of a connection also plans.
            one.one(gate);
            return Machine.pagesOf(one.one(gate));
        }
    }

    @Test
    void a_gateway_without_room_beyond_the_reserve_takes_no_idle_run() {
        bus.jdbc().update("update gateways set max_in_flight = 3");
        bus.running();
        assertNull(idle.gate("research"));
        bus.running();
        assertEquals("gateway default has room for 1 run, and an idle run needs room for 2", idle.gate("research"));

        bus.jdbc()
                .update("update gateways set max_in_flight = 7, held_until = now() + interval '1 minute',"
                        + " hold_reason = 'it restarts'");
        assertEquals("gateway default takes no work: it restarts", idle.gate("research"));
    }

    @Test
    void a_gateway_with_one_place_has_idle_runs_while_the_place_is_free() {
        bus.jdbc().update("update gateways set max_in_flight = 1");
        assertNull(idle.gate("research"));
        bus.running();
        assertEquals("gateway default has room for 0 runs, and an idle run needs room for 1", idle.gate("research"));
    }

    @Test
    void an_agent_without_questions_has_nothing_to_think_about() {
        idle.questions("research");
        assertEquals("agent research has no idleQuestions in its agent.yaml", idle.gate("research"));
    }

    @Test
    void a_slot_that_the_gate_refuses_is_skipped_with_the_reason() {
        Orders orders = new Orders(bus);
        orders.hourly(
                Orders.hour(1), Orders.order("think", "agent", "research", "jobType", "idle", "preCheck", "idle"));
        String due = bus.enqueue("targetAgent", "research", "subject", "research.packet");

        orders.settle(Orders.hour(1));

        assertEquals(List.of("job " + due + " (research.packet) is due"), orders.summaries("think", "skipped"));
        assertEquals(0, bus.count("idle_runs"));
    }

    @Test
    void a_gate_that_fails_starts_no_idle_run_and_says_so() {
        Orders orders = new Orders(bus);
        orders.hourly(
                Orders.hour(1), Orders.order("think", "agent", "research", "jobType", "idle", "preCheck", "idle"));
        bus.jdbc().update("update agents set idle_budget = '{\"runs\": \"many\"}' where agent_id = 'research'");

        orders.settle(Orders.hour(1));

        assertEquals(0, bus.count("jobs"));
        assertTrue(
                orders.summaries("think", "skipped").get(0).startsWith("pre-check idle failed: "),
                orders.summaries("think", "skipped").toString());
        assertEquals(1, orders.told("standing_order.pre_check_failed").size());
    }

    @Test
    void get_agent_shows_the_questions_the_budget_and_why_no_run_may_begin() {
        idle.budget("research", "runs", 1);
        JsonNode before = bus.ask("get_agent", "agentId", "research").get("idle");
        assertEquals(3, before.get("questions").size());
        assertEquals("Which belief may be wrong?", before.get("nextQuestion").asText());
        assertEquals(json("runs", 1, "minutes", 40, "tokens", 200000, "dollars", 2), before.get("budget"));
        assertNull(before.get("notNow"));

        today("tokens", 900, "cost_usd", 0.25);

        JsonNode after = bus.ask("get_agent", "agentId", "research").get("idle");
        assertEquals("What do we repeat?", after.get("nextQuestion").asText());
        assertEquals(900, after.at("/spentToday/tokens").asInt());
        assertEquals(
                "its idle runs have spent 1 of 1 runs today (UTC)",
                after.get("notNow").asText());
    }
}
