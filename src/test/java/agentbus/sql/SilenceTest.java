package agentbus.sql;

import static agentbus.sql.Machine.json;
import static agentbus.sql.Machine.refusal;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.sql.Connection;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Questions that nobody answers: reminders, and the end that the asker chose. */
@ExtendWith(PostgresExtension.class)
class SilenceTest {
    private static final String DEADLINE = "2100-01-01T00:00:00Z";

    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
    }

    private JsonNode asked(Object... more) {
        ObjectNode input = json("question", "Which host?", "options", List.of("web-1", "web-2"));
        input.setAll(json(more));
        return bus.call("ask", bus.principal(bus.running()), input).get("question");
    }

    /** Lets time pass for all questions. */
    private void pass(String time) {
        bus.jdbc()
                .update(
                        "update questions set created_at = created_at - ?::interval, look_at = look_at - ?::interval",
                        time,
                        time);
    }

    private void deadlineComes() {
        bus.jdbc().update("update questions set deadline = now(), look_at = now()");
    }

    private List<String> watch() {
        return bus.jdbc().queryForList("select w ->> 'what' from watch_questions() w", String.class);
    }

    private JsonNode get(JsonNode question) {
        return bus.ask("get_question", "questionId", question.get("questionId").asText());
    }

    private long reminded() {
        return bus.count("events where topic = 'question.reminded'");
    }

    @Test
    void an_open_question_is_brought_to_mind_after_4_and_24_hours_once_each() {
        JsonNode question = asked();
        assertEquals(List.of(), watch());
        pass("3 hours 59 minutes");
        assertEquals(List.of(), watch());

        pass("2 minutes");
        assertEquals(List.of("reminded"), watch());
        assertEquals(List.of(), watch());
        pass("19 hours 50 minutes");
        assertEquals(List.of(), watch());
        pass("20 minutes");
        assertEquals(List.of("reminded"), watch());
        pass("30 days");
        assertEquals(List.of(), watch());

        assertEquals(2, get(question).get("reminders").asInt());
        assertEquals(2, reminded());
        assertEquals("open", get(question).get("status").asText());
    }

    @Test
    void after_an_outage_one_reminder_stands_for_those_that_were_missed() {
        asked();
        pass("3 days");

        assertEquals(List.of("reminded"), watch());
        assertEquals(List.of(), watch());
    }

    @Test
    void many_nodes_remind_once() throws Exception {
        for (int i = 0; i < 5; i++) {
            asked();
        }
        pass("5 hours");

        Race.won(4, i -> () -> watch().size());

        assertEquals(List.of(), watch(), "none is left behind");
        assertEquals(5, reminded());
    }

    @Test
    void more_questions_than_a_batch_are_reminded_of_batch_by_batch() {
        bus.jdbc()
                .update("insert into questions (namespace, kind, asked_by, question, look_at)"
                        + " select 'default', 'question', 'operator:anna', 'Is it so?', now() - interval '1 minute'"
                        + " from generate_series(1, 1200)");

        for (int i = 0; i < 4 && !watch().isEmpty(); i++) {
            assertTrue(reminded() <= 500L * (i + 1), "one batch at a time");
        }

        assertEquals(1200, reminded());
        assertEquals(0, bus.count("questions where reminders <> 1"));
    }

    @Test
    void a_question_that_stays_open_is_told_once_at_its_deadline_and_can_still_be_answered() {
        JsonNode question = asked("deadline", DEADLINE);
        deadlineComes();

        assertEquals(List.of("reminded"), watch());
        assertTrue(bus.one("select payload->'overdue' from events where topic = 'question.reminded'")
                .asBoolean());
        assertEquals("blocked", bus.state(question.get("jobId").asText()));
        bus.ask("answer_question", "questionId", question.get("questionId").asText(), "option", "web-1");
        assertEquals("queued", bus.state(question.get("jobId").asText()));
    }

    @Test
    void the_default_applies_at_the_deadline_and_says_that_nobody_answered() {
        JsonNode question = asked("deadline", DEADLINE, "onSilence", "default", "defaultOption", "web-2");
        assertEquals(List.of(), watch());
        deadlineComes();

        assertEquals(List.of("expired"), watch());

        JsonNode expired = get(question);
        assertEquals("expired", expired.get("status").asText());
        assertEquals("web-2", expired.get("option").asText());
        assertFalse(expired.has("answeredBy"));
        JsonNode told = bus.claim().claimed();
        assertTrue(told.at("/questions/0/told").asText().contains("the default applies: web-2"));
        assertFalse(told.has("answeredBy"), "nobody said that");
        assertEquals(1, bus.count("events where topic = 'question.expired'"));
        Refusal late = refusal(() -> bus.ask(
                "answer_question", "questionId", question.get("questionId").asText(), "option", "web-1"));
        assertTrue(late.message().contains("expired unanswered at"), late.message());
    }

    @Test
    void a_job_whose_question_ends_it_is_cancelled_with_the_reason() {
        JsonNode question = asked("deadline", DEADLINE, "onSilence", "cancel");
        deadlineComes();

        assertEquals(List.of("expired"), watch());

        String job = question.get("jobId").asText();
        assertEquals("cancelled", bus.state(job));
        assertTrue(bus.column(job, "last_error", String.class).startsWith("nobody answered question"));
        assertEquals("expired", get(question).get("status").asText());
        assertEquals(0, bus.count("events where topic = 'question.withdrawn'"));
    }

    @Test
    void an_approval_that_nobody_decides_is_rejected_if_the_asker_said_so() {
        JsonNode question = bus.call(
                        "request_approval",
                        bus.principal(bus.running()),
                        json(
                                "question",
                                "May I?",
                                "content",
                                json("a", 1),
                                "deadline",
                                DEADLINE,
                                "onSilence",
                                "default",
                                "defaultOption",
                                "rejected"))
                .get("question");
        deadlineComes();

        watch();

        assertEquals("rejected", get(question).get("decision").asText());
        assertFalse(get(question).get("counts").asBoolean(true));
    }

    @Test
    void an_end_by_silence_that_makes_no_sense_is_refused() {
        Attempt attempt = bus.running();
        JsonNode asker = bus.principal(attempt);

        assertEquals(
                "422 invalid_field deadline",
                refusal(() -> bus.call("ask", asker, json("question", "?", "onSilence", "cancel")))
                        .brief());
        assertEquals(
                "422 invalid_field deadline",
                refusal(() -> bus.call("ask", asker, json("question", "?", "deadline", "2020-01-01T00:00:00Z")))
                        .brief());
        assertEquals(
                "422 invalid_field defaultOption",
                refusal(() -> bus.call("ask", asker, json("question", "?", "defaultOption", "x")))
                        .brief());
        assertEquals(
                "422 invalid_field defaultOption",
                refusal(() -> bus.call(
                                "ask",
                                asker,
                                json(
                                        "question",
                                        "?",
                                        "options",
                                        List.of("a", "b"),
                                        "deadline",
                                        DEADLINE,
                                        "onSilence",
                                        "default",
                                        "defaultOption",
                                        "c")))
                        .brief());
        assertEquals("running", bus.state(attempt.job()));
    }

    @Test
    void a_question_that_another_call_has_locked_is_left_to_the_next_sweep(TestDatabase database) throws Exception {
        JsonNode question = asked();
        asked();
        pass("5 hours");
        try (Connection other = database.jdbc().getDataSource().getConnection()) {
            other.setAutoCommit(false);
            try (var lock = other.createStatement()) {
                lock.execute("select from jobs where job_id = '"
                        + question.get("jobId").asText() + "' for no key update");
            }
            assertEquals(List.of("reminded"), watch());
            other.rollback();
        }
        assertEquals(List.of("reminded"), watch());
        assertEquals(2, reminded());
    }

    @Test
    void a_question_that_cannot_be_handled_does_not_stop_the_others() {
        JsonNode bad = asked("deadline", DEADLINE, "onSilence", "cancel");
        asked();
        pass("5 hours");
        bus.jdbc().execute("alter table jobs add constraint broken check (state <> 'cancelled')");
        try {
            bus.jdbc()
                    .update(
                            "update questions set deadline = now(), look_at = now() - interval '1 day' where question_id = ?::uuid",
                            bad.get("questionId").asText());
            assertEquals(List.of("reminded"), watch());
        } finally {
            bus.jdbc().execute("alter table jobs drop constraint broken");
        }
        assertEquals(1, bus.count("sweep_failures where what = 'question'"));
        assertEquals(1, bus.count("events where topic = 'question.sweep_failed'"));
        assertTrue(bus.ask("health").toString().contains("a sweep cannot handle question"));
        bus.jdbc().update("update sweep_failures set retry_at = now()");
        assertEquals(List.of("expired"), watch());
        assertEquals(0, bus.count("sweep_failures"));
    }
}
