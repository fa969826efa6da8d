package agentbus.vault;

import agentbus.harness.TestDatabase;
import java.util.Map;
import org.springframework.jdbc.core.JdbcTemplate;

/** Rows for a vault: a small fleet with some weeks behind it, all of whose times are given. */
final class Rows {
    private final JdbcTemplate jdbc;

    Rows(TestDatabase database) {
        this.jdbc = database.jdbc();
    }

    /** Empties the database and adds the agents research, devops and knowledge. */
    static Rows fresh(TestDatabase database) {
        database.clear();
        database.agents(Map.of(
                "research", new String[] {"research.packet"},
                "devops", new String[] {"infra.check", "infra.repair"},
                "knowledge", new String[] {"memory.curate"}));
        database.jdbc()
                .update(
                        "update agents set created_at = '2026-11-01T00:00:00Z', mission = 'Looks after ' || agent_id || '.'");
        return new Rows(database);
    }

    JdbcTemplate jdbc() {
        return jdbc;
    }

    /** An idea of research; returns its id. */
    String idea(String title, String body) {
        return one(
                "insert into ideas (namespace, source_agent, theme, title, body, tags, created_at, touched_at)"
                        + " values ('default', 'research', 'supply chain', ?, ?, '{registry}', '2026-11-20T09:30:00Z',"
                        + " '2026-11-20T09:30:00Z') returning idea_id::text",
                title,
                body);
    }

    /** A new opportunity of devops; returns its id. */
    String opportunity(String title) {
        return one(
                "insert into opportunities (namespace, source_agent, theme, title, why_now, if_nothing, evidence, impact,"
                        + " confidence, urgency, reversibility, owner_candidate, suggested_next_step, created_at, touched_at)"
                        + " values ('default', 'devops', 'supply chain', ?, 'Each build waits 40 s since Monday.',"
                        + " 'Forty builds a day wait half an hour.', ?::jsonb, 4, 3, 2, 'high', 'devops',"
                        + " 'Measure the mirror for a day.', '2026-11-21T10:00:00Z', '2026-11-21T10:00:00Z')"
                        + " returning opportunity_id::text",
                title,
                "[{\"kind\": \"url\", \"url\": \"https://status.example.org/registry\", \"lookedAt\": \"2026-11-21T09:00:00Z\","
                        + " \"note\": \"the registry says so itself\"}]");
    }

    /** A memory that everybody may read; returns its id. */
    String memory(String kind, String title) {
        return memory(kind, title, "shared", null, "trusted");
    }

    /** A memory; returns its id. */
    String memory(String kind, String title, String visibility, String owner, String trust) {
        return one(
                "insert into memories (namespace, kind, scope, title, body, evidence, source_refs, confidence, stability,"
                        + " visibility, owner_agent, trust, source_agent, promoted_by, notes, next_review_at, valid_from,"
                        + " created_at) values ('default', ?, 'global', ?, 'Use the mirror, not the registry.',"
                        + " 'Seen in three builds.', '[{\"kind\": \"url\", \"url\": \"https://example.org/a\","
                        + " \"lookedAt\": \"2026-11-20T09:00:00Z\"}]', 4, 'stable', ?, ?, ?, 'research',"
                        + " 'agent:knowledge', 'It saves time in each build.', '2027-02-01T00:00:00Z',"
                        + " '2026-11-22T08:00:00Z', '2026-11-22T08:00:00Z') returning memory_id::text",
                kind,
                title,
                visibility,
                owner,
                trust);
    }

    /** A daily digest of a UTC day, which begins at 7; returns its id. */
    String digest(String day, String markdown) {
        return one(
                "insert into reports (namespace, kind, period_from, period_to, markdown, words, items, created_by, created_at)"
                        + " select 'default', 'daily_digest', at, at + interval '1 day', ?, 10, 1, 'dispatcher:reports',"
                        + " at + interval '1 day' from (select (?::date + time '07:00') at time zone 'UTC' as at) d"
                        + " returning report_id::text",
                markdown,
                day);
    }

    /**
     * So many ideas, opportunities and memories, of different days of the past year; each second one rests on a job, and
     * each third memory has replaced another.
     */
    void many(int each) {
        jdbc.update("insert into jobs (namespace, target_agent, subject, job_type, payload, state, summary,"
                + " timeout_seconds, hard_timeout_seconds, ended_at) select 'default', 'devops', 'infra.check',"
                + " 'reactive', '{}', 'succeeded', 'Checked.', 60, 60, now() - i * interval '8 hours'"
                + " from generate_series(1, 1000) i");
        String evidence =
                "(select jsonb_build_array(jsonb_build_object('kind', 'job', 'id', j.job_id, 'note', 'see there'),"
                        + " jsonb_build_object('kind', 'url', 'url', 'https://example.org/' || i, 'lookedAt', now()))"
                        + " from (select job_id from jobs offset i % 1000 limit 1) j)";
        String text = "repeat('The mirror of the registry was slow in build ' || i || ', as `npm ci` shows. ', 8)";
        String at = "now() - (i % 360) * interval '1 day' - i * interval '1 second'";
        jdbc.update(
                "insert into ideas (namespace, source_agent, theme, title, body, evidence, created_at, touched_at)"
                        + " select 'default', 'research', 'theme ' || i % 40, 'Idea of the mirror number ' || i, "
                        + text
                        + ", " + evidence + ", " + at + ", now() from generate_series(1, ?) i",
                each);
        jdbc.update(
                "insert into opportunities (namespace, source_agent, theme, title, why_now, if_nothing, evidence, impact,"
                        + " confidence, urgency, reversibility, owner_candidate, suggested_next_step, created_at, touched_at)"
                        + " select 'default', 'devops', 'theme ' || i % 40, 'A mirror for build number ' || i, " + text
                        + ", 'It stays slow.', " + evidence + ", 4, 3, 2, 'high', 'devops', 'Measure it.', " + at
                        + ", now() from generate_series(1, ?) i",
                each);
        jdbc.update(
                "insert into memories (namespace, kind, scope, title, body, evidence, source_refs, confidence, stability,"
                        + " visibility, trust, source_agent, promoted_by, notes, next_review_at, created_at)"
                        + " select 'default', (array['lesson', 'decision', 'playbook'])[1 + i % 3], 'global',"
                        + " 'Builds use mirror ' || i, " + text + ", 'Seen.', " + evidence
                        + ", 4, 'stable', 'shared', 'trusted', 'research', 'agent:knowledge', 'It helps.', now(), " + at
                        + " from generate_series(1, ?) i",
                each);
        jdbc.update("with old as (select memory_id, lead(memory_id) over (order by seq) as next, row_number() over"
                + " (order by seq) as n from memories) update memories m set status = 'superseded', superseded_by = next,"
                + " ended_at = now(), ended_by = 'agent:knowledge', end_reason = 'Newer.' from old"
                + " where old.memory_id = m.memory_id and n % 3 = 0 and next is not null");
        jdbc.update(
                "insert into opportunity_reviews (namespace, opportunity_id, reviewer, decision, notes, created_at)"
                        + " select 'default', opportunity_id, 'operator:anna', 'triaged', 'Good.', created_at from opportunities");
        jdbc.execute("analyze");
    }

    private String one(String sql, Object... arguments) {
        return jdbc.queryForObject(sql, String.class, arguments);
    }
}
