package agentbus.sql;

import static agentbus.sql.Machine.agent;
import static agentbus.sql.Machine.json;
import static agentbus.sql.Machine.refusal;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The account of an agent for a window, and of a flow. */
@ExtendWith(PostgresExtension.class)
class AccountTest {
    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        bus.jdbc()
                .execute("truncate jobs_history, job_attempts_history, job_dependencies_history, events_history,"
                        + " audit_log_history");
        bus.jdbc().update("insert into namespaces values ('other') on conflict do nothing");
    }

    private JsonNode account(Object... input) {
        return bus.ask("account", input);
    }

    private JsonNode ofDevops() {
        return account("agent", "devops");
    }

    /** Moves finished jobs, events and audit rows so many days back and to history. */
    private void retire() {
        for (String table : List.of("jobs", "job_attempts", "events", "audit_log")) {
            bus.jdbc().execute("alter table " + table + " disable trigger user");
        }
        bus.jdbc()
                .update(
                        "update jobs set created_at = created_at - interval '40 days', ended_at = ended_at - interval '40 days'");
        bus.jdbc()
                .update(
                        "update job_attempts set started_at = started_at - interval '40 days',"
                                + " admitted_at = admitted_at - interval '40 days', finished_at = finished_at - interval '40 days'");
        bus.jdbc().update("update events set created_at = created_at - interval '40 days'");
        bus.jdbc().update("update audit_log set created_at = created_at - interval '40 days'");
        for (String table : List.of("jobs", "job_attempts", "events", "audit_log")) {
            bus.jdbc().execute("alter table " + table + " enable trigger user");
        }
        for (String part : List.of("jobs", "events", "audit")) {
            bus.one("select retire_finished_work(30, 1000, jsonb_build_object('part', ?::text))", part);
        }
    }

    /** Enqueues a job of devops, claims what is due, and has the job's hook call admitted. */
    private Attempt work(Object... more) {
        String job = bus.enqueue(more);
        Attempt attempt = bus.claim(Machine.D1, 50).stream()
                .map(Attempt::of)
                .filter(claimed -> claimed.job().equals(job))
                .findFirst()
                .orElseThrow();
        bus.admitted(attempt);
        return attempt;
    }

    /** A day of devops: it works, hands over, emits, fails, blocks, is refused, and leaves work open. */
    private Attempt aDay(Object... more) {
        Attempt worked = work(more);
        bus.say(
                worked,
                "complete_job",
                "summary",
                "web-1 is healthy",
                "usage",
                json("total", 1200, "costUsd", 0.25),
                "events",
                List.of(json("topic", "infra.checked")),
                "followUps",
                List.of(json("targetAgent", "research", "subject", "research.packet", "delaySeconds", 3600)));
        bus.block(work(more), "person", "anna");
        bus.one(
                "select note_refusal(?::jsonb, 'enqueueJob', ?::jsonb)",
                bus.principal(worked).toString(),
                json("code", "handoff_not_allowed", "detail", "agent devops may not", "status", 403)
                        .toString());
        return worked;
    }

    @Test
    void a_day_of_an_agent_is_told_from_its_rows() {
        Attempt worked = aDay();

        JsonNode account = ofDevops();

        assertEquals(
                "Agent devops was woken 2 times (1 succeeded and 1 blocked) for 2 jobs, most often for infra.check."
                        + " It wrote 1 result and 1 event, handed over 1 job (1 to research) and ended 1 attempt with a block."
                        + " 2 runs took 0.0 min; 1 of them reported usage: 1200 tokens and 0.25 USD."
                        + " 1 call was refused (1 handoff_not_allowed). 1 job is still open: 1 blocked.",
                account.get("headline").asText());
        assertEquals(2, account.at("/woken/bySubject/rows/0/attempts").asInt());
        assertEquals(
                "operator:anna", account.at("/woken/bySubject/rows/0/askedBy").asText());
        assertEquals(
                "web-1 is healthy",
                account.at("/wrote/results/list/rows/0/summary").asText());
        assertEquals(
                "infra.checked",
                account.at("/wrote/events/byTopic/rows/0/topic").asText());
        assertEquals(
                "research", account.at("/handedOver/list/rows/0/targetAgent").asText());
        assertEquals(
                "no credentials", account.at("/asked/blocks/list/rows/0/reason").asText());
        assertTrue(account.at("/asked/blocks/list/rows/0/open").asBoolean());
        assertEquals(1, account.at("/spent/unreported").asInt());
        assertEquals(1200, account.at("/spent/usage/total").asInt());
        assertEquals(
                "anna or the coordinator",
                account.at("/leftOpen/list/rows/0/nextMove").asText());
        assertEquals(worked.job(), account.at("/refused/list/rows/0/jobId").asText());
        assertEquals(2, account.at("/told/list/rows").size());
        String markdown = account.get("markdown").asText();
        assertTrue(markdown.startsWith("# Account of agent `devops`\n"), markdown);
        assertTrue(markdown.contains("(`infra.check`): `web-1 is healthy`\n"), markdown);
        assertTrue(markdown.contains("still blocked: `no credentials`\n"), markdown);
        assertTrue(markdown.contains("next move: `anna or the coordinator`\n"), markdown);
    }

    @Test
    void an_agent_is_charged_with_its_own_work_alone() {
        aDay();
        bus.jdbc()
                .update(
                        "insert into agents (namespace, agent_id, accepts) values ('other', 'devops', '{infra.check}')");

        JsonNode research = account("agent", "research");
        assertEquals(0, research.at("/spent/runs").asInt());
        assertEquals(0, research.at("/handedOver/jobs").asInt());
        assertEquals(0, research.at("/refused/calls").asInt());
        assertEquals(1, research.at("/leftOpen/jobs").asInt());

        assertEquals(
                "Agent devops was not woken. No job is open.",
                account("namespace", "other", "agent", "devops").get("headline").asText());
    }

    @Test
    void a_flow_is_told_over_its_whole_life_with_all_its_agents() {
        aDay("flowKey", "release 4.2");
        aDay();

        JsonNode account = account("flow", "release 4.2");

        assertEquals("release 4.2", account.at("/flow/flowKey").asText());
        assertEquals(4, account.at("/flow/jobs").asInt());
        assertEquals(
                2,
                account.at("/woken/attempts").asInt()
                        - account.at("/woken/outcomes/atWork").asInt());
        assertEquals(1, account.at("/handedOver/jobs").asInt());
        assertEquals(1, account.at("/wrote/events/total").asInt());
        assertEquals(1, account.at("/refused/calls").asInt());
        assertTrue(account.get("headline").asText().startsWith("Flow release 4.2 has 4 jobs; its agents were woken "));
        assertTrue(account.get("markdown").asText().startsWith("# Account of flow `release 4.2`\n"));
        assertEquals(
                "404 unknown_flow flow",
                refusal(() -> account("namespace", "other", "flow", "release 4.2"))
                        .brief());
    }

    @Test
    void a_window_of_last_month_is_read_from_history() {
        Attempt worked = aDay("flowKey", "f");
        bus.jdbc()
                .update(
                        "update jobs set state = 'cancelled', ended_at = now(), blocked_reason = null where ended_at is null");
        retire();
        assertEquals(0, bus.count("job_attempts where job_id = ?::uuid", worked.job()));
        String from =
                java.time.Instant.now().minus(java.time.Duration.ofDays(41)).toString();
        String to = java.time.Instant.now().minus(java.time.Duration.ofDays(39)).toString();

        JsonNode then = account("agent", "devops", "from", from, "to", to);

        assertEquals(2, then.at("/woken/attempts").asInt());
        assertEquals(
                "web-1 is healthy",
                then.at("/wrote/results/list/rows/0/summary").asText());
        assertEquals(1, then.at("/wrote/events/total").asInt());
        assertEquals(1, then.at("/handedOver/jobs").asInt());
        assertEquals("handoff_not_allowed", then.at("/refused/list/rows/0/code").asText());
        assertEquals(0, ofDevops().at("/woken/attempts").asInt());
        JsonNode flow = account("flow", "f");
        assertEquals(
                2,
                flow.at("/woken/attempts").asInt()
                        - flow.at("/woken/outcomes/atWork").asInt());
        assertEquals(1, flow.at("/refused/calls").asInt());
        bus.jdbc().execute("alter table job_attempts_history disable trigger user");
        bus.jdbc().update("update job_attempts_history set agent_id = null");
        bus.jdbc().execute("alter table job_attempts_history enable trigger user");
        assertEquals(
                2,
                account("agent", "devops", "from", from, "to", to)
                        .at("/woken/attempts")
                        .asInt(),
                "attempts of an earlier version name no agent");
    }

    @Test
    void attempts_of_an_earlier_version_and_of_a_job_that_went_to_another_agent_are_found() {
        Attempt attempt = bus.running();
        bus.fail(attempt);
        bus.jdbc()
                .update(
                        "update jobs set target_agent = 'research', subject = 'research.packet' where job_id = ?::uuid",
                        attempt.job());

        assertEquals(1, ofDevops().at("/woken/attempts").asInt());
        assertEquals(0, account("agent", "research").at("/woken/attempts").asInt());

        bus.jdbc().update("update job_attempts set agent_id = null");
        assertEquals(0, ofDevops().at("/woken/attempts").asInt());
        assertEquals(1, account("agent", "research").at("/woken/attempts").asInt());
        assertEquals(
                "it broke",
                account("agent", "research").at("/failed/list/rows/0/error").asText());
    }

    @Test
    void a_run_at_work_and_a_hook_call_that_started_none_are_told_apart() {
        bus.undelivered(bus.leased(), 3_600);
        bus.jdbc().update("update gateways set held_until = null, hold_reason = null");
        bus.running("targetAgent", "research", "subject", "research.packet");

        JsonNode devops = ofDevops();
        assertEquals(0, devops.at("/woken/attempts").asInt());
        assertTrue(devops.get("headline")
                .asText()
                .startsWith("Agent devops was not woken; 1 hook call started no run. 1 job is still open: 1 queued."));
        JsonNode research = account("agent", "research");
        assertEquals(1, research.at("/woken/outcomes/atWork").asInt());
        assertTrue(research.get("headline").asText().contains("(1 at work)"));
        assertTrue(research.get("headline").asText().endsWith("1 job is still open: 1 running."));
    }

    @Test
    void an_answer_ends_a_block_and_the_account_says_who_gave_it() {
        Attempt attempt = bus.running();
        bus.block(attempt, "person", "anna");
        bus.ask("unblock_job", "jobId", attempt.job(), "answer", "they are in the vault");

        JsonNode block = ofDevops().at("/asked/blocks/list/rows/0");

        assertFalse(block.get("open").asBoolean());
        assertEquals("they are in the vault", block.get("answer").asText());
        assertEquals("operator:anna", block.get("answeredBy").asText());
    }

    @Test
    void a_question_and_its_answer_are_told_once_and_its_attempt_is_no_block() {
        Attempt attempt = bus.running();
        String question = bus.say(attempt, "ask", "question", "May I rotate the key of web-1?")
                .findValue("questionId")
                .asText();
        JsonNode open = ofDevops();
        assertEquals(
                "May I rotate the key of web-1?",
                open.at("/asked/questions/list/rows/0/question").asText());
        assertTrue(open.get("headline").asText().contains("asked 1 question (1 without an answer)."));
        assertEquals(0, open.at("/asked/blocks/total").asInt());

        bus.ask("answer_question", "questionId", question, "answer", "yes, at night");

        JsonNode answered = ofDevops().at("/asked/questions/list/rows/0");
        assertEquals("yes, at night", answered.get("answer").asText());
        assertEquals("operator:anna", answered.get("answeredBy").asText());
        List<String> tables = bus.ask("list_audit", "jobId", attempt.job()).findValuesAsText("table");
        assertTrue(tables.contains("questions") && tables.contains("jobs"), tables::toString);
    }

    @Test
    void a_window_is_the_same_in_every_zone_and_is_shown_in_utc() {
        aDay();
        bus.jdbc().update("update job_attempts set started_at = '2026-01-31T23:30:00Z'");

        JsonNode berlin =
                account("agent", "devops", "from", "2026-02-01T00:00:00+01:00", "to", "2026-01-31T19:00:00-05:00");

        assertEquals(2, berlin.at("/woken/attempts").asInt());
        assertTrue(berlin.get("markdown").asText().contains("2026-01-31T23:00:00Z to 2026-02-01T00:00:00Z"));
    }

    @Test
    void an_agent_that_is_gone_or_paused_is_said_to_be() {
        aDay();
        bus.ask("pause_agent", "agentId", "devops", "reason", "maintenance");
        String paused = ofDevops().get("headline").asText();
        assertTrue(paused.matches(".*Its lane is paused since \\S+Z by anna: maintenance\\."), paused);

        bus.jdbc()
                .update(
                        "update agents set enabled = false, paused_at = null, paused_reason = null, paused_by = null where agent_id = 'devops'");
        String gone = ofDevops().get("headline").asText();
        assertTrue(
                gone.matches(
                        ".*The agent is disabled since \\S+Z, because no agent\\.yaml has its name; if it was renamed,"
                                + " the account of the new name has the rest\\."),
                gone);
        assertEquals(2, ofDevops().at("/woken/attempts").asInt());
    }

    @Test
    void what_cannot_be_told_is_refused() {
        Refusal unknown = refusal(() -> account("agent", "devop"));
        assertEquals("404 unknown_agent agent", unknown.brief());
        assertTrue(unknown.expected().contains("devops"));
        assertEquals(
                "404 unknown_flow flow", refusal(() -> account("flow", "none")).brief());
        assertEquals("422 invalid_field agent", refusal(() -> account()).brief());
        assertEquals(
                "422 invalid_field agent",
                refusal(() -> account("agent", "devops", "flow", "f")).brief());
        assertEquals(
                "422 invalid_field to",
                refusal(() -> account(
                                "agent", "devops", "from", "2026-02-01T00:00:00Z", "to", "2026-02-01T00:30:00+01:00"))
                        .brief());
        assertEquals(
                "422 invalid_field from",
                refusal(() -> account("agent", "devops", "from", "2025-02-01T00:00:00Z", "to", "2026-02-01T00:00:00Z"))
                        .brief());
        bus.enqueue("flowKey", "f");
        assertEquals(
                "422 invalid_field to",
                refusal(() -> account("flow", "f", "to", "2025-01-01T00:00:00Z"))
                        .brief());
        assertEquals(
                "403 forbidden namespace",
                refusal(() -> bus.call("account", agent("devops"), json("namespace", "other", "agent", "devops")))
                        .brief());
    }

    @Test
    void lists_are_bounded_and_counts_stop_at_a_limit() {
        bus.jdbc().execute("alter table jobs disable trigger user");
        bus.jdbc()
                .update(
                        """
                        insert into jobs (namespace, target_agent, job_type, subject, state, timeout_seconds, hard_timeout_seconds,
                          ended_at, attempt_no)
                        select 'default', 'devops', 'reactive', 'infra.check', 'succeeded', 1, 1, now(), 1
                        from generate_series(1, 5001)""");
        bus.jdbc().execute("alter table jobs enable trigger user");
        bus.jdbc()
                .update(
                        """
                        insert into job_attempts (namespace, job_id, attempt_no, agent_id, dispatcher_id, status, started_at,
                          admitted_at, finished_at, summary)
                        select namespace, job_id, 1, 'devops', 'd', 'succeeded', now() - seq * interval '1 second', now(), now(), 'x'
                        from jobs""");

        JsonNode account = ofDevops();

        assertEquals(5_000, account.at("/woken/attempts").asInt());
        assertTrue(account.at("/woken").hasNonNull("countedFrom"));
        assertEquals(50, account.at("/wrote/results/list/rows").size());
        assertTrue(account.at("/wrote/results/list/more").asBoolean());
        assertTrue(account.get("headline").asText().contains("woken at least 5000 times"));
        assertTrue(account.get("markdown").asText().contains("The window has more attempts"));
        assertTrue(account.toString().length() < 200_000);
    }
}
