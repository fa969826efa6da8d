package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The bank of questions: none is asked twice within two weeks, and the order is that of the file. */
@ExtendWith(PostgresExtension.class)
class IdleQuestionsTest {
    private Machine bus;
    private IdleBank idle;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        idle = new IdleBank(bus);
    }

    @Test
    void sixty_daily_runs_ask_each_of_sixteen_questions_in_turn_and_none_within_two_weeks() {
        List<String> bank =
                IntStream.range(0, 16).mapToObj(i -> "Question " + i + "?").toList();
        idle.questions("research", bank.toArray(String[]::new));
        List<String> asked = new ArrayList<>();
        for (int day = 0; day < 60; day++) {
            String question = idle.next("research");
            asked.add(question);
            idle.run(0, question);
            idle.days(1);
        }

        assertEquals(bank, asked.subList(0, 16));
        for (int day = 0; day < 60; day++) {
            int again = asked.subList(day + 1, 60).indexOf(asked.get(day)) + 1;
            assertTrue(again == 0 || again >= 14, asked.get(day) + " came back after " + again + " days");
        }
    }

    @Test
    void a_short_bank_is_empty_until_two_weeks_have_passed() {
        idle.questions("research", "What changed?", "What do we repeat?");
        idle.run(0, "What changed?");
        idle.run(0, "What do we repeat?");

        assertNull(idle.next("research"));
        idle.days(13);
        assertEquals("all 2 questions of agent research were asked within the last 14 days", idle.gate("research"));

        idle.days(1);
        assertEquals("What changed?", idle.next("research"));
    }

    @Test
    void a_question_of_a_run_that_never_began_is_asked_again() {
        idle.questions("research", "What changed?", "What do we repeat?");
        idle.run(5, "What changed?", "outcome", "stopped", "seconds", 0, "began_at", "never");
        assertEquals("What changed?", idle.next("research"));
    }

    @Test
    void a_new_question_comes_first_and_a_removed_one_never_again() {
        idle.questions("research", "What changed?", "What do we repeat?");
        idle.run(0, "What changed?");
        idle.questions("research", "What do we repeat?", "Who disagrees?");
        idle.run(0, "What do we repeat?");
        idle.days(20);

        assertEquals("Who disagrees?", idle.next("research"));
    }

    @Test
    void each_agent_and_namespace_has_its_own_turn() {
        idle.questions("research", "What changed?");
        idle.questions("devops", "What changed?");
        idle.run(0, "What changed?");
        assertNull(idle.next("research"));
        assertEquals("What changed?", idle.next("devops"));

        bus.jdbc().update("insert into namespaces (namespace) values ('second')");
        bus.jdbc()
                .update("insert into agents (namespace, agent_id, idle_questions) values ('second', 'research',"
                        + " '{What changed?}')");
        assertEquals(
                "What changed?",
                bus.jdbc().queryForObject("select next_idle_question('second', 'research')", String.class));
    }
}
