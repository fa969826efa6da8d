package agentbus.sql;

import static agentbus.sql.Machine.json;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The Markdown of an account: no text of an agent or caller has a meaning in it. */
@ExtendWith(PostgresExtension.class)
class AccountMarkdownTest {
    private static final Pattern BACKTICKS = Pattern.compile("`+");

    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
    }

    static List<String> texts() {
        return List.of(
                "# heading",
                "\n\n# heading\n\n- list\n1. one\n> quote\n---\n===",
                "[link](http://example.org) <http://example.org> http://example.org www.example.org a@example.org",
                "<img src=x onerror=alert(1)> <script>alert(1)</script> <!-- &amp;",
                "| a | b |\n| --- | --- |\n| c | d |",
                "`",
                "``` \n```js\nalert(1)\n```",
                "a ` b `` c ``` d",
                "\\` \\\\` ends with a backslash \\",
                "**bold** _italic_ ~~gone~~ ![image](x)",
                "word".repeat(2_500),
                "`".repeat(10_000),
                "reversed \u202e text \u200b hidden \u2066 isolate \u001b[2J clear",
                "\t    indented code",
                " ");
    }

    private Attempt work(String text) {
        return claimed(bus.enqueue("flowKey", text));
    }

    private Attempt claimed(String job) {
        Attempt attempt = bus.claim(Machine.D1, 50).stream()
                .map(Attempt::of)
                .filter(claimed -> claimed.job().equals(job))
                .findFirst()
                .orElseThrow();
        bus.admitted(attempt);
        return attempt;
    }

    /** The document of an account whose every text that a caller can choose is this text. */
    private String markdown(String text) {
        Attempt worked = work(text);
        ObjectNode usage = json("total", 7);
        usage.put(text, 7);
        bus.say(
                worked,
                "complete_job",
                "summary",
                text,
                "usage",
                usage,
                "followUps",
                List.of(json("targetAgent", "research", "subject", "research.packet", "delaySeconds", 3600)));
        bus.jdbc().update("update job_attempts set injected = jsonb_build_array(?::text)", text);
        Attempt blocked = work(text);
        bus.say(blocked, "block_job", "reason", text, "unblock", json("person", text));
        Attempt answered = work(text);
        bus.say(answered, "block_job", "reason", text, "unblock", json("person", "anna"));
        bus.call("unblock_job", json("kind", "operator", "name", text), json("jobId", answered.job(), "answer", text));
        bus.say(claimed(answered.job()), "fail_job", "error", text, "retry", false);
        bus.one(
                "select note_refusal(?::jsonb, 'enqueueJob', ?::jsonb)",
                bus.principal(worked).toString(),
                json("code", "invalid_field", "detail", text, "field", text, "status", 400)
                        .toString());
        bus.ask("pause_agent", "agentId", "devops", "reason", text);
        return bus.ask("account", "agent", "devops").get("markdown").asText()
                + bus.ask("account", "flow", text).get("markdown").asText();
    }

    /** The document with every code span replaced, as CommonMark finds them: a run of backticks ends at the next run of its length. */
    private static String withoutSpans(String markdown) {
        StringBuilder outside = new StringBuilder();
        for (String line : markdown.split("\n", -1)) {
            int at = 0;
            Matcher run = BACKTICKS.matcher(line);
            while (run.find(at)) {
                int end = -1;
                Matcher close = BACKTICKS.matcher(line);
                for (int from = run.end(); close.find(from) && end < 0; from = close.end()) {
                    end = close.group().length() == run.group().length() ? close.end() : -1;
                }
                assertTrue(end > 0, () -> "an open code span in: " + line);
                outside.append(line, at, run.start()).append("CODE");
                at = end;
            }
            outside.append(line.substring(at)).append('\n');
        }
        return outside.toString()
                .replaceAll("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ", "TIME")
                .replaceAll("took [0-9.]+ min", "took MINUTES")
                .replaceAll("injected \\d+ bytes", "injected CODE")
                .replace("(empty)", "CODE");
    }

    private static String harmless;

    @ParameterizedTest
    @MethodSource("texts")
    void a_text_of_an_agent_changes_nothing_outside_of_its_code_spans(String text, TestDatabase database) {
        if (harmless == null) {
            harmless = withoutSpans(markdown("harmless"));
            bus = Machine.fresh(database);
        }
        String markdown = markdown(text);

        assertEquals(harmless, withoutSpans(markdown));
        assertTrue(markdown.lines().allMatch(line -> line.length() < 3_000));
        assertFalse(markdown.matches("(?s).*[\\p{Cntrl}&&[^\n]].*"), "control characters");
        assertFalse(markdown.contains("\u202e") || markdown.contains("\u200b") || markdown.contains("\u2066"));
    }

    @Test
    void a_text_can_be_read_in_its_code_span() {
        assertTrue(markdown("see `ls -l` | <b>").contains("`see 'ls -l' | <b>`"));
        assertEquals("`plain`", bus.jdbc().queryForObject("select quoted('plain', 10)", String.class));
        assertEquals("`plai…`", bus.jdbc().queryForObject("select quoted('plain', 4)", String.class));
    }
}
