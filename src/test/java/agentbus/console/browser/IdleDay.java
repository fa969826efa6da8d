package agentbus.console.browser;

import agentbus.harness.TestDatabase;
import java.util.Map;

/** Idle runs, of which one was stopped, and a vault with a difference and with notes that people have edited. */
final class IdleDay {
    private final TestDatabase database;
    private final Map<String, String> names;

    /**
     * Makes the day.
     *
     * @param names gets the id of idleJob
     */
    IdleDay(TestDatabase database, Map<String, String> names) {
        this.database = database;
        this.names = names;
    }

    /** Fills the database. Both are written as they are after their end, because no operation begins or ends them. */
    void fill() {
        names.put("idleJob", run("research", "Which field has had our problem before?", "stopped"));
        run(
                "design",
                "Which flow works for the first visit and annoys at the hundredth? " + Hostile.text(200),
                "completed");
        vault();
    }

    private String run(String agent, String question, String outcome) {
        String job = database.jdbc()
                .queryForObject(
                        """
                        insert into jobs (namespace, target_agent, job_type, subject, state, timeout_seconds,
                          hard_timeout_seconds, ended_at)
                        values ('default', ?, 'idle', 'standing_order.' || ? || '-idle-cognition', 'cancelled', 1200, 1200,
                          now() - interval '2 hours')
                        returning job_id::text""",
                        String.class,
                        agent,
                        agent);
        database.jdbc()
                .update(
                        """
                        insert into idle_runs (namespace, agent_id, order_name, slot_id, job_id, gateway, question, budget,
                          began_at, ended_at, seconds, tokens, cost_usd, outcome, stop_asked_at, stop_reason, settled_at)
                        values ('default', ?, ? || '-idle-cognition', new_id(), ?::uuid, 'default', ?, idle_budget_defaults(),
                          now() - interval '130 minutes', now() - interval '2 hours', 340, 18200, 0.07, ?,
                          case when ? = 'stopped' then now() - interval '121 minutes' end,
                          case when ? = 'stopped' then 'stopped after 340 s, because work arrived for research' end, now())""",
                        agent,
                        agent,
                        job,
                        question,
                        outcome,
                        outcome,
                        outcome);
        return job;
    }

    /** The vault was last exported too long ago for Needs me. */
    private void vault() {
        database.jdbc()
                .update(
                        """
                        with one as (
                          insert into vaults (namespace, directory, exported_at, export_seconds, notes, written, tombstones,
                            verified_at, differences, difference_list)
                          values ('default', '/home/anna/fleet', now() - interval '9 days', 1.4, 212, 7, 2,
                            now() - interval '9 days', 1,
                            '[{"path": "02 Ideas/2026-11-20-idea-one-<b>.md", "kind": "missing", "text": "the note is not there"}]')
                          returning vault_id
                        )
                        insert into vault_notes (vault_id, kind, row_id, path, content_hash, edited_hash, edited_at, conflict_path)
                        select vault_id, 'memory', 'one', ?, 'a', 'b', now() - interval '9 days', ?
                        from one""",
                        "04 Memories/Lessons/2026-11-20-memory-restart-the-worker-after-each-change-of-the-queue-name-1a2b3c4d.md",
                        "04 Memories/Lessons/2026-11-20-memory-restart-the-worker-after-each-change-of-the-queue-name-1a2b3c4d.conflict.md");
    }
}
