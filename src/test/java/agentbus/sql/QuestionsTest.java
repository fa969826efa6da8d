package agentbus.sql;

import static agentbus.sql.Machine.agent;
import static agentbus.sql.Machine.json;
import static agentbus.sql.Machine.refusal;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** Questions to people: a job waits for the answer, and its next attempt gets it. */
class QuestionsTest extends AskingPeople {
    @Test
    void a_job_that_asks_waits_without_a_lease_and_the_coordinator_is_left_in_peace() {
        Attempt attempt = bus.running("maxAttempts", 1);

        JsonNode answer = ask(attempt, "askedOf", json("person", "bert"), "why", "web-1 is full by Friday");

        assertEquals("blocked", answer.at("/job/state").asText());
        assertEquals("blocked", bus.ofAttempt(attempt, "status", String.class));
        assertEquals(0, bus.column(attempt.job(), "attempt_count", Integer.class), "a question is no failure");
        assertNull(bus.column(attempt.job(), "leased_until", Object.class));
        JsonNode question = answer.get("question");
        assertEquals("open", question.get("status").asText());
        assertEquals("attempt:devops", question.get("askedBy").asText());
        assertEquals("{\"person\":\"bert\"}", question.get("askedOf").toString());
        assertEquals(
                "an answer of bert to question " + question.get("questionId").asText(),
                answer.at("/job/nextMove").asText());
        assertEquals(0, bus.count("jobs where subject = 'blocked.replan'"));
        assertEquals(List.of("job.enqueued", "question.asked", "job.blocked"), bus.topics(attempt.job()));
        assertEquals(1, bus.count("audit_log where action = 'question.added' and actor = 'attempt:devops'"));
        assertEquals(0, bus.count("stuck_jobs_v"), "it has reminders of its own");
        assertEquals(
                1,
                bus.count("precheck_backlog('default', 'coordinator', now()) v where v -> 'noWork' is not null"),
                "no work for the coordinator");
    }

    @Test
    void a_block_on_a_person_still_asks_the_coordinator() {
        bus.block(bus.running(), "person", "anna");

        assertEquals(1, bus.count("jobs where subject = 'blocked.replan'"));
        assertEquals(0, bus.count("questions"));
    }

    @Test
    void the_same_ask_again_gets_the_same_answer_and_another_one_is_late() {
        Attempt attempt = bus.running();

        assertEquals(ask(attempt), ask(attempt));
        assertEquals(1, bus.count("questions"));
        assertEquals(
                "stale_attempt", ask(attempt, "why", "x").at("/problem/code").asText());
        assertEquals("stale_attempt", bus.complete(attempt).at("/problem/code").asText());
    }

    @Test
    void the_answer_reaches_the_next_attempt_days_later() {
        JsonNode question = asked();
        bus.jdbc().update("update questions set created_at = created_at - interval '9 days'");

        JsonNode answered = answer(question, "option", "web-2", "answer", "web-1 goes in May");

        assertEquals("answered", answered.get("status").asText());
        assertEquals("operator:anna", answered.get("answeredBy").asText());
        assertEquals("queued", bus.state(job(question)));
        assertNull(bus.column(job(question), "answer", String.class), "the answer stands in its question alone");
        Attempt next = bus.claim();
        JsonNode told = next.claimed().at("/questions/0");
        assertEquals("Which host gets the disk?", told.get("question").asText());
        assertEquals("web-2: web-1 goes in May", told.get("told").asText());
        assertEquals("operator:anna", told.get("answeredBy").asText());
        assertTrue(bus.topics(job(question)).contains("question.answered"));
    }

    @Test
    void every_answer_of_a_job_stays_in_its_prompts() {
        JsonNode first = asked();
        answer(first, "option", "web-1");
        Attempt second = bus.claim();
        JsonNode again = bus.call("ask", bus.principal(second), json("question", "And when?"))
                .get("question");
        answer(again, "answer", "in May");
        Attempt third = bus.claim();
        bus.admitted(third);
        bus.fail(third);
        bus.makeDue(third.job());

        JsonNode questions = bus.claim().claimed().get("questions");

        assertEquals(2, questions.size());
        assertEquals("web-1", questions.at("/0/told").asText());
        assertEquals("in May", questions.at("/1/told").asText());
    }

    @Test
    void the_second_of_two_answers_is_told_who_was_first_and_what_they_said() {
        JsonNode question = asked();
        answer("bert", question, "option", "web-2");

        Refusal second = refusal(() -> answer("anna", question, "option", "web-1"));

        assertEquals("409 question_closed questionId", second.brief());
        assertTrue(second.message().contains("was answered by operator:bert at 2"), second.message());
        assertTrue(second.message().endsWith("Z: web-2"), second.message());
        JsonNode repeated = answer("bert", question, "option", "web-2");
        assertFalse(repeated.get("changed").asBoolean(true));
        assertEquals("web-2", repeated.get("option").asText());
        assertEquals(1, bus.count("events where topic = 'question.answered'"));
    }

    @Test
    void of_two_answers_at_the_same_moment_one_counts() throws Exception {
        JsonNode question = asked();

        var ends = Race.of(6, i -> () -> answer("person-" + i, question, "answer", "answer " + i));

        assertEquals(1, ends.stream().filter(end -> end.thrown() == null).count());
        assertEquals(1, bus.count("events where topic = 'question.answered'"));
        String who = get(question).get("answeredBy").asText();
        ends.stream()
                .filter(end -> end.thrown() != null)
                .forEach(end -> assertTrue(
                        end.thrown().getMessage().contains("was answered by " + who),
                        end.thrown().getMessage()));
    }

    @Test
    void an_answer_and_a_cancel_at_the_same_moment_do_not_wait_for_each_other() throws Exception {
        for (int round = 0; round < 10; round++) {
            JsonNode question = asked();

            var ends = Race.of(
                    2,
                    i -> () -> i == 0
                            ? answer(question, "option", "web-1")
                            : bus.ask("cancel_job", "jobId", job(question), "reason", "not wanted"));

            assertNull(ends.get(1).thrown(), "a cancel is possible before and after the answer");
            assertEquals("cancelled", bus.state(job(question)));
            boolean answered = ends.get(0).thrown() == null;
            assertEquals(
                    answered ? "answered" : "withdrawn",
                    get(question).get("status").asText());
        }
    }

    @Test
    void the_handles_of_a_job_withdraw_its_question_too() {
        JsonNode killed = asked();
        bus.ask("kill_job", "jobId", job(killed), "reason", "it never ends");
        assertEquals("dead", bus.state(job(killed)));
        assertEquals("withdrawn", get(killed).get("status").asText());

        JsonNode moved = asked();
        bus.jdbc().update("update agents set accepts = accepts || '{infra.check}' where agent_id = 'research'");
        bus.ask("reassign_job", "jobId", job(moved), "targetAgent", "research", "reason", "she knows more");
        assertEquals("open", get(moved).get("status").asText(), "the job still waits");
        answer(moved, "option", "web-1");
        assertEquals("web-1", bus.claim().claimed().at("/questions/0/told").asText(), "the new agent gets the answer");
    }

    @Test
    void only_people_answer_and_only_the_one_who_is_asked_if_there_is_one() {
        employ("anna", "bert");
        JsonNode question = asked("askedOf", json("person", "Bert"));
        Attempt other = bus.running();

        Refusal anna = refusal(() -> answer("anna", question, "option", "web-1"));
        assertEquals("403 forbidden token", anna.brief());
        assertEquals("the token of operator bert", anna.expected());
        for (JsonNode principal :
                List.of(agent("devops"), agent("coordinator"), bus.principal(other), person("route:read-mail"))) {
            assertEquals(
                    "403 forbidden token",
                    refusal(() -> bus.call("answer_question", principal, withId(question, "option", "web-1")))
                            .brief());
        }
        assertEquals("open", get(question).get("status").asText());
        answer("bert", question, "option", "web-1");
        bus.complete(bus.claim());

        JsonNode unknown = asked("askedOf", json("person", "carla"));
        assertEquals(
                "answered",
                answer("anna", unknown, "option", "web-1").get("status").asText());
        bus.complete(bus.claim());
        JsonNode role = asked("askedOf", json("role", "who is on call"));
        assertEquals(
                "answered",
                answer("anna", role, "option", "web-1").get("status").asText());
    }

    @Test
    void an_agent_is_not_asked_like_a_person() {
        Attempt attempt = bus.running();

        Refusal refused = refusal(() -> ask(attempt, "askedOf", json("role", "coordinator")));

        assertEquals("422 invalid_field askedOf", refused.brief());
        assertTrue(refused.expected().contains("with a block that names it"), refused.expected());
        assertEquals("running", bus.state(attempt.job()));
    }

    @Test
    void an_answer_fits_its_question() {
        JsonNode question = asked();

        assertEquals(
                "one of: web-1, web-2; or an answer in words",
                refusal(() -> answer(question, "option", "web-3")).expected());
        assertEquals("422 invalid_field answer", refusal(() -> answer(question)).brief());
        assertEquals(
                "422 invalid_field decision",
                refusal(() -> answer(question, "decision", "approved")).brief());
        assertEquals(
                "404 unknown_question questionId",
                refusal(() -> bus.ask("answer_question", "questionId", UUID.randomUUID(), "answer", "x"))
                        .brief());
        assertEquals(
                "in words", answer(question, "answer", "in words").get("answer").asText());
    }

    @Test
    void an_operator_who_unblocks_withdraws_the_question_and_an_agent_may_not() {
        JsonNode question = asked();

        assertEquals(
                "403 forbidden jobId",
                refusal(() -> bus.call(
                                "unblock_job",
                                agent("coordinator"),
                                json("jobId", job(question), "answer", "approved, go on")))
                        .brief());
        bus.ask("unblock_job", "jobId", job(question));

        JsonNode withdrawn = get(question);
        assertEquals("withdrawn", withdrawn.get("status").asText());
        assertEquals("operator:anna: its job is queued", withdrawn.get("reason").asText());
        Refusal late = refusal(() -> answer(question, "option", "web-1"));
        assertEquals("409 question_closed questionId", late.brief());
        assertTrue(late.message().contains("was withdrawn at"), late.message());
    }

    @Test
    void a_cancelled_job_takes_its_question_along() {
        JsonNode question = asked();

        bus.ask("cancel_job", "jobId", job(question), "reason", "the host is gone");

        assertEquals("withdrawn", get(question).get("status").asText());
        assertTrue(get(question).get("reason").asText().endsWith("its job is cancelled, the host is gone"));
        assertEquals(
                List.of("question.withdrawn"),
                bus.topics(job(question)).stream()
                        .filter(topic -> topic.startsWith("question.w"))
                        .toList());
    }

    @Test
    void a_withdrawn_question_puts_its_job_back_to_work_with_the_reason() {
        JsonNode question = asked();

        bus.call("withdraw_question", person("bert"), withId(question, "reason", "the disk is not needed"));
        JsonNode again = bus.call("withdraw_question", person("bert"), withId(question, "reason", "again"));

        assertFalse(again.get("changed").asBoolean(true));
        assertEquals("queued", bus.state(job(question)));
        assertEquals(
                "the question was withdrawn by operator:bert: the disk is not needed",
                bus.claim().claimed().at("/questions/0/told").asText());
        assertEquals(1, bus.count("events where topic = 'question.withdrawn'"));
    }

    @Test
    void an_operator_asks_about_a_blocked_job_or_about_none() {
        String queued = bus.enqueue();
        assertEquals(
                "409 wrong_state jobId",
                refusal(() -> bus.ask("ask", "question", "May it?", "jobId", queued))
                        .brief());
        Attempt attempt = bus.claim();
        bus.block(attempt, "person", "bert");
        assertEquals(1, bus.count("jobs where subject = 'blocked.replan' and state = 'queued'"));

        JsonNode question =
                bus.ask("ask", "question", "May it?", "jobId", attempt.job()).get("question");

        assertEquals(0, bus.count("jobs where subject = 'blocked.replan' and state = 'queued'"), "a person is asked");
        assertEquals(
                "409 question_open jobId",
                refusal(() -> bus.ask("ask", "question", "Really?", "jobId", attempt.job()))
                        .brief());
        answer(question, "answer", "yes");
        assertEquals("queued", bus.state(attempt.job()));

        JsonNode alone = bus.ask("ask", "question", "Is the door shut?");
        assertFalse(alone.has("job"));
        assertEquals(
                "answered",
                answer(alone.get("question"), "answer", "it is").get("status").asText());
    }

    @Test
    void the_slot_of_a_standing_order_is_blocked_by_a_question_and_goes_on_with_the_answer() {
        Orders orders = new Orders(bus);
        orders.hourly(Orders.hour(6), Orders.order("patrol"));
        orders.settle(Orders.hour(1));
        Attempt attempt = orders.running();

        JsonNode question = ask(attempt).get("question");
        assertEquals("blocked", orders.of("patrol", Orders.T0.plus(Orders.HOUR), "status"));
        assertTrue(orders.of("patrol", Orders.T0.plus(Orders.HOUR), "summary").contains("Which host gets the disk?"));

        answer(question, "option", "web-1");
        assertEquals("started", orders.of("patrol", Orders.T0.plus(Orders.HOUR), "status"));
        Attempt next = bus.claim();
        bus.admitted(next);
        bus.complete(next);
        assertEquals("completed", orders.of("patrol", Orders.T0.plus(Orders.HOUR), "status"));
    }

    @Test
    void a_retired_question_is_still_shown_and_still_in_the_prompt() {
        JsonNode question = asked();
        answer(question, "option", "web-1");
        bus.jdbc().update("update questions set closed_at = now() - interval '40 days'");

        String place = "{\"part\": \"rules\"}";
        while (place != null) {
            JsonNode done = bus.one("select retire_finished_work(30, 500, ?::jsonb)", place);
            place = done.get("next").isNull() ? null : done.get("next").toString();
        }

        assertEquals(0, bus.count("questions"));
        assertEquals("web-1", get(question).get("option").asText());
        assertEquals("web-1", bus.claim().claimed().at("/questions/0/told").asText());
        assertEquals(
                "409 question_closed questionId",
                refusal(() -> answer("bert", question, "option", "web-2")).brief());
    }

    @Test
    void a_question_of_an_operator_that_is_asked_again_is_the_same_question() throws Exception {
        Attempt attempt = bus.running();
        bus.block(attempt);
        for (ObjectNode input : List.of(
                json("question", "Is the door shut?", "options", List.of("yes", "no")),
                json("question", "May it?", "jobId", attempt.job()))) {
            JsonNode first = bus.call("ask", person("anna"), input);
            JsonNode again = bus.call("ask", person("anna"), input);

            assertFalse(first.has("changed"));
            assertFalse(again.get("changed").asBoolean(true));
            assertEquals(first.get("question"), again.get("question"));
        }
        assertEquals(2, bus.count("questions"));
        assertEquals(2, bus.count("events where topic = 'question.asked'"));

        JsonNode other = bus.ask("ask", "question", "Is the door shut?");
        assertFalse(other.has("changed"), "without options it is another question");
        bus.call("ask", person("bert"), json("question", "Is the door shut?"));
        assertEquals(4, bus.count("questions"));
        answer(other.get("question"), "answer", "yes");
        assertFalse(bus.ask("ask", "question", "Is the door shut?").has("changed"), "the first one is answered");

        Race.won(4, i -> () -> bus.ask("ask", "question", "Is it raining?"));
        assertEquals(1, bus.count("questions where question = 'Is it raining?'"));
    }

    @Test
    void an_agent_cannot_forge_an_event_about_a_question() {
        assertEquals(
                "422 invalid_field topic",
                refusal(() -> bus.call(
                                "emit_event",
                                agent("devops"),
                                json("topic", "question.answered", "payload", json("decision", "approved"))))
                        .brief());
    }
}
