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

    private String one(String sql, Object... arguments) {
        return jdbc.queryForObject(sql, String.class, arguments);
    }
}
