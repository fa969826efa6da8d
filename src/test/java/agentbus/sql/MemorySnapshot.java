package agentbus.sql;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.springframework.jdbc.core.JdbcTemplate;

/** Candidates, memories and reviews before or after one act, for what only a comparison shows. */
final class MemorySnapshot {
    /** The statuses that may follow another; ends are final. */
    private static final Map<String, Set<String>> STEPS = Map.of(
            "new", Set.of("promoted", "rejected", "expired"), "active", Set.of("superseded", "expired", "wrong"));

    /** What a memory says; a new version is a new row. */
    private static final List<String> WORDS = List.of(
            "kind",
            "scope",
            "subject_key",
            "title",
            "body",
            "evidence",
            "source_refs",
            "confidence",
            "visibility",
            "owner_agent",
            "trust",
            "candidate_id",
            "source_agent",
            "promoted_by");

    private final JsonNode all;

    private MemorySnapshot(JsonNode all) {
        this.all = all;
    }

    /**
     * Takes a snapshot.
     *
     * @param jdbc the database
     * @param before the one before, whose end of the audit log is where this one begins; null for the first one
     */
    static MemorySnapshot of(JdbcTemplate jdbc, MemorySnapshot before) {
        return new MemorySnapshot(Machine.parse(jdbc.queryForObject(
                """
                select jsonb_build_object(
                  'memory_candidates', (
                    select coalesce(jsonb_object_agg(candidate_id, to_jsonb(c) - 'updated_at'), '{}')
                    from memory_candidates c),
                  'memories', (
                    select coalesce(jsonb_object_agg(memory_id, to_jsonb(m) - '{updated_at,words}'::text[]), '{}')
                    from memories m),
                  'memory_reviews', (
                    select coalesce(jsonb_object_agg(review_id, to_jsonb(r) - 'updated_at'), '{}')
                    from memory_reviews r),
                  'audit', (
                    select coalesce(jsonb_agg(jsonb_build_object('row', row_id, 'actor', actor)), '[]')
                    from audit_log
                    where audit_id > ? and table_name in ('memory_candidates', 'memories', 'memory_reviews')),
                  'last', (select coalesce(max(audit_id), 0) from audit_log))
                """,
                String.class,
                before == null ? 0L : before.all.get("last").asLong())));
    }

    /** A candidate; missing when it does not exist. */
    JsonNode candidate(String id) {
        return all.path("memory_candidates").path(String.valueOf(id));
    }

    /** A memory; missing when it does not exist. */
    JsonNode memory(String id) {
        return all.path("memories").path(String.valueOf(id));
    }

    /** A review; missing when it does not exist. */
    JsonNode review(String id) {
        return all.path("memory_reviews").path(String.valueOf(id));
    }

    /** Memories that this snapshot has and the one before did not. */
    List<JsonNode> newMemories(MemorySnapshot before) {
        List<JsonNode> added = new ArrayList<>();
        all.get("memories").properties().forEach(memory -> {
            if (before.memory(memory.getKey()).isMissingNode()) {
                added.add(memory.getValue());
            }
        });
        return added;
    }

    /** Whether both have the same rows. */
    boolean sameAs(MemorySnapshot other) {
        for (String table : List.of("memory_candidates", "memories", "memory_reviews")) {
            if (!all.get(table).equals(other.all.get(table))) {
                return false;
            }
        }
        return true;
    }

    /**
     * What one act did that it must not do.
     *
     * @param after the rows after it
     * @param actor the name of the caller in the audit log; null when several may act
     * @return what is broken, empty when nothing is
     */
    List<String> brokenBy(MemorySnapshot after, String actor) {
        List<String> broken = new ArrayList<>();
        steps(after, "memory_candidates", "new", broken);
        steps(after, "memories", "active", broken);
        after.all.get("audit").forEach(row -> {
            if (actor != null && !row.get("actor").asText().equals(actor)) {
                broken.add("an act of " + actor + " is audited as one of " + row.get("actor"));
            }
        });
        after.newMemories(this).forEach(memory -> {
            String old = memory.path("supersedes").asText(null);
            int version = old == null ? 1 : after.memory(old).path("version").asInt() + 1;
            if (memory.get("version").asInt() != version) {
                broken.add("a memory has the version " + memory.get("version") + " and not " + version);
            }
            if (old != null
                    && !after.memory(old)
                            .path("superseded_by")
                            .asText()
                            .equals(memory.get("memory_id").asText())) {
                broken.add("a memory supersedes one that does not name it: " + memory);
            }
        });
        return broken;
    }

    private void steps(MemorySnapshot after, String table, String first, List<String> broken) {
        ObjectNode was = (ObjectNode) all.get(table);
        ObjectNode is = (ObjectNode) after.all.get(table);
        Set<String> ids = new TreeSet<>();
        was.fieldNames().forEachRemaining(ids::add);
        is.fieldNames().forEachRemaining(ids::add);
        for (String id : ids) {
            JsonNode before = was.get(id);
            JsonNode now = is.get(id);
            if (now == null) {
                broken.add("a row of " + table + " is lost: " + id);
                continue;
            }
            boolean changed = !now.equals(before);
            int audited = after.audited(id);
            if (audited != (changed ? 1 : 0)) {
                broken.add((changed ? "a changed" : "an unchanged") + " row of " + table + " has " + audited
                        + " audit rows: " + id + " was " + before + " and is " + now);
            }
            if (before == null) {
                if (!now.get("status").asText().equals(first)) {
                    broken.add("a row of " + table + " begins as " + now.get("status"));
                }
                continue;
            }
            String from = before.get("status").asText();
            String to = now.get("status").asText();
            if (changed && !STEPS.containsKey(from)) {
                broken.add("an end was not final: " + before + " is " + now);
            } else if (!from.equals(to) && !STEPS.get(from).contains(to)) {
                broken.add("no step leads from " + from + " to " + to + ": " + id);
            }
            for (String word : WORDS) {
                // A replaced memory that names its successor keeps its own words.
                if (table.equals("memories") && !before.get(word).equals(now.get(word))) {
                    broken.add("a memory has changed its " + word + ": " + id + " was " + before.get(word) + " and is "
                            + now.get(word));
                }
            }
        }
    }

    private int audited(String id) {
        int rows = 0;
        for (JsonNode row : all.get("audit")) {
            rows += row.get("row").asText().equals(id) ? 1 : 0;
        }
        return rows;
    }
}
