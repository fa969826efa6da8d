package agentbus.sql;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/** Rows of idle runs as they lie in the table, at any age, and what the gate says of an agent. */
final class IdleBank {
    private final Machine bus;

    IdleBank(Machine bus) {
        this.bus = bus;
    }

    /** Gives an agent these questions. */
    void questions(String agent, String... questions) {
        bus.jdbc().update("update agents set idle_questions = ? where agent_id = ?", questions, agent);
    }

    /** Gives an agent a budget of its own, as its agent.yaml would. */
    void budget(String agent, Object... units) {
        bus.jdbc()
                .update(
                        "update agents set idle_budget = ?::jsonb where agent_id = ?",
                        Machine.json(units).toString(),
                        agent);
    }

    /** An idle run of research that has begun and ended, so many minutes ago. */
    void run(int minutesAgo, String question, Object... columns) {
        ObjectNode row = Machine.json(
                "namespace", "default",
                "agent_id", "research",
                "order_name", "research-idle",
                "gateway", "default",
                "question", question,
                "news", List.of(),
                "outcome", "completed",
                "seconds", 60);
        row.setAll(Machine.json(columns));
        bus.jdbc()
                .update(
                        """
                        insert into idle_runs (namespace, agent_id, order_name, slot_id, job_id, gateway, question, news,
                          budget, outcome, seconds, tokens, cost_usd, created_at, began_at, ended_at)
                        select namespace, agent_id, order_name, new_id(), new_id(), gateway, question, news,
                          idle_budget_defaults(), outcome, seconds, tokens, cost_usd, at,
                          case when began_at is null then at end,
                          case when outcome is not null then at + make_interval(secs => seconds) end
                        from jsonb_to_record(?::jsonb) as r (namespace text, agent_id text, order_name text,
                          gateway text, question text, news jsonb, outcome text, seconds int, tokens bigint,
                          cost_usd numeric, began_at text)
                        cross join (select now() - make_interval(mins => ?) as at) t""",
                        row.toString(),
                        minutesAgo);
    }

    /** Why an agent must not think now; null when it may. */
    String gate(String agent) {
        JsonNode verdict = bus.one("select precheck_idle('default', ?, now())", agent);
        return verdict == null ? null : verdict.get("skip").asText();
    }

    /** The next question of an agent; null for none. */
    String next(String agent) {
        return bus.jdbc().queryForObject("select next_idle_question('default', ?)", String.class, agent);
    }

    /** Makes every idle run older. */
    void days(int days) {
        bus.jdbc()
                .update(
                        "update idle_runs set created_at = created_at - make_interval(days => ?),"
                                + " began_at = began_at - make_interval(days => ?),"
                                + " ended_at = ended_at - make_interval(days => ?)",
                        days,
                        days,
                        days);
    }
}
