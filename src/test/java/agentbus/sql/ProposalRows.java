package agentbus.sql;

import agentbus.text.Json;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;

/** Rows of ideas, opportunities and reports as they lie in the tables, at any age and in any state. */
final class ProposalRows {
    /** Evidence that names one page. */
    static final String PAGE =
            "[{\"kind\": \"url\", \"url\": \"https://example.org/a\", \"lookedAt\": \"2026-11-01\"}]";

    private static final Map<String, Object> IDEA = Map.of(
            "namespace", "default",
            "source_agent", "research",
            "source_job_id", "00000000-0000-4000-8000-000000000001",
            "theme", "reliability",
            "title", "Retry the nightly import",
            "body", "The nightly import fails on Mondays and nobody sees it.");

    private static final Map<String, Object> OPPORTUNITY = Map.ofEntries(
            Map.entry("namespace", "default"),
            Map.entry("source_agent", "research"),
            Map.entry("source_job_id", "00000000-0000-4000-8000-000000000001"),
            Map.entry("theme", "reliability"),
            Map.entry("title", "Retry the nightly import"),
            Map.entry("why_now", "It failed on three Mondays."),
            Map.entry("if_nothing", "Reports stay a day old."),
            Map.entry("impact", 3),
            Map.entry("confidence", 3),
            Map.entry("urgency", 3),
            Map.entry("reversibility", "high"),
            Map.entry("owner_candidate", "devops"),
            Map.entry("suggested_next_step", "Add a retry."));

    private final Machine bus;

    ProposalRows(Machine bus) {
        this.bus = bus;
    }

    /**
     * Inserts an idea of research.
     *
     * @param columns names and values in turn, in place of the defaults
     * @return its id
     */
    String idea(Object... columns) {
        return insert("ideas", "idea_id", row(IDEA, columns));
    }

    /**
     * Inserts an opportunity of research.
     *
     * @param columns names and values in turn, in place of the defaults
     * @return its id
     */
    String opportunity(Object... columns) {
        ObjectNode row = row(OPPORTUNITY, columns);
        if (!row.has("evidence")) {
            row.set(
                    "evidence",
                    Machine.parse(
                            PAGE.replace("/a", "/" + row.path("title").asText().hashCode())));
        }
        return insert("opportunities", "opportunity_id", row);
    }

    /** Inserts an opportunity that was converted to the job so many hours ago. */
    String converted(String job, int hoursAgo) {
        String at = ago("hours => " + hoursAgo);
        return opportunity(
                "status", "converted_to_job",
                "converted_job_id", job,
                "converted_by", "attempt:coordinator",
                "converted_at", at,
                "decided_at", at,
                "ended_at", at);
    }

    /** Inserts a report whose time ended so many hours ago. */
    String report(String kind, int words, int items, int hoursAgo) {
        return insert(
                "reports",
                "report_id",
                Machine.json(
                        "namespace",
                        "default",
                        "kind",
                        kind,
                        "period_from",
                        ago("hours => " + (hoursAgo + 24)),
                        "period_to",
                        ago("hours => " + hoursAgo),
                        "created_at",
                        ago("hours => " + hoursAgo),
                        "markdown",
                        "# Digest",
                        "words",
                        words,
                        "items",
                        items,
                        "created_by",
                        "dispatcher:digest"));
    }

    /** The time so long ago, as text; the argument is one of make_interval. */
    String ago(String interval) {
        return bus.jdbc().queryForObject("select (now() - make_interval(" + interval + "))::text", String.class);
    }

    private static ObjectNode row(Map<String, Object> defaults, Object... columns) {
        ObjectNode row = Json.object();
        defaults.forEach((column, value) -> row.set(column, Json.tree(value)));
        row.setAll(Machine.json(columns));
        return row;
    }

    private String insert(String table, String key, ObjectNode row) {
        String columns = String.join(", ", (Iterable<String>) row::fieldNames);
        return bus.jdbc()
                .queryForObject(
                        "insert into " + table + " (" + columns + ") select " + columns
                                + " from jsonb_populate_record(null::" + table + ", ?::jsonb) returning " + key
                                + "::text",
                        String.class,
                        row.toString());
    }
}
