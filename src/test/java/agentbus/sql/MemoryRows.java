package agentbus.sql;

import static agentbus.sql.Machine.json;

import agentbus.text.Json;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;

/** Rows of memories, candidates, reviews and injections as they lie in the tables, at any age and in any state. */
final class MemoryRows {
    private static final String JOB = "00000000-0000-4000-8000-000000000001";

    private static final Map<String, Object> TEXT = Map.ofEntries(
            Map.entry("namespace", "default"),
            Map.entry("source_agent", "research"),
            Map.entry("kind", "lesson"),
            Map.entry("scope", "service"),
            Map.entry("subject_key", "importer"),
            Map.entry("title", "The importer needs the full month"),
            Map.entry("body", "Give the importer a whole month, because it drops the days of a partial one."),
            Map.entry("evidence", "Two imports of half a month lost days."),
            Map.entry("source_refs", Machine.parse("[{\"kind\": \"job\", \"id\": \"" + JOB + "\"}]")),
            Map.entry("confidence", 4),
            Map.entry("stability", "stable"),
            Map.entry("visibility", "shared"),
            Map.entry("trust", "trusted"));

    private final Machine bus;

    MemoryRows(Machine bus) {
        this.bus = bus;
    }

    /**
     * Inserts an active memory of research about the service importer, to be reviewed in 100 days.
     *
     * @param columns names and values in turn, in place of the defaults
     * @return its id
     */
    String memory(Object... columns) {
        ObjectNode row = row(columns);
        with(row, "promoted_by", "attempt:knowledge");
        with(row, "notes", "Two jobs show it.");
        with(row, "next_review_at", ago("days => -100"));
        return insert("memories", "memory_id", row);
    }

    /**
     * Inserts a candidate of research about the service importer that nobody has decided.
     *
     * @param columns names and values in turn, in place of the defaults
     * @return its id
     */
    String candidate(Object... columns) {
        ObjectNode row = row(columns);
        with(row, "source_job_id", JOB);
        return insert("memory_candidates", "candidate_id", row);
    }

    /**
     * Inserts an open review.
     *
     * @param columns names and values in turn, in place of the defaults
     * @return its id
     */
    String review(String memory, String kind, Object... columns) {
        ObjectNode row = json(columns);
        with(row, "namespace", "default");
        with(row, "memory_id", memory);
        with(row, "kind", kind);
        with(row, "detail", "An agent said so.");
        with(row, "opened_by", "attempt:devops");
        return insert("memory_reviews", "review_id", row);
    }

    /** Inserts a row that says that the memory stood in the prompt of an attempt of devops. */
    String injection(String memory, String attempt, Object... columns) {
        ObjectNode row = json(columns);
        with(row, "namespace", "default");
        with(row, "attempt_id", attempt);
        with(row, "memory_id", memory);
        with(row, "version", 1);
        with(row, "job_id", JOB);
        with(row, "agent_id", "devops");
        with(row, "bucket", "exact");
        with(row, "rank", 1);
        with(row, "score", 1);
        with(row, "score_parts", Json.object());
        with(row, "tokens", 40);
        return insert("memory_injections", "injection_id", row);
    }

    /** The time so long ago, as text; the argument is one of make_interval. */
    String ago(String interval) {
        return bus.jdbc().queryForObject("select (now() - make_interval(" + interval + "))::text", String.class);
    }

    private static ObjectNode row(Object... columns) {
        ObjectNode row = json(columns);
        if (row.path("scope").asText().equals("global")) {
            row.putNull("subject_key");
        }
        TEXT.forEach((column, value) -> with(row, column, value));
        return row;
    }

    private static void with(ObjectNode row, String column, Object value) {
        if (!row.has(column)) {
            row.set(column, Json.tree(value));
        }
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
