package agentbus.sql;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.springframework.jdbc.core.JdbcTemplate;

/** Ideas and opportunities before or after one act, for what only a comparison shows. */
final class ProposalSnapshot {
    /** The statuses that may follow another; a status may always follow itself, and ends are final. */
    private static final Map<String, Set<String>> STEPS_OF_OPPORTUNITIES = Map.of(
            "new", Set.of("triaged", "accepted", "rejected", "parked", "converted_to_job", "merged"),
            "triaged", Set.of("accepted", "rejected", "parked", "converted_to_job", "merged"),
            "accepted", Set.of("rejected", "parked", "converted_to_job", "merged"),
            "parked", Set.of("triaged", "rejected", "merged"),
            "rejected", Set.of(),
            "converted_to_job", Set.of(),
            "merged", Set.of());

    private static final Map<String, Set<String>> STEPS_OF_IDEAS = Map.of(
            "new", Set.of("reviewed", "promoted_to_opportunity", "archived"),
            "reviewed", Set.of("promoted_to_opportunity", "archived"),
            "promoted_to_opportunity", Set.of(),
            "archived", Set.of());

    private final JsonNode all;

    private ProposalSnapshot(JsonNode all) {
        this.all = all;
    }

    /**
     * Takes a snapshot.
     *
     * @param jdbc the database
     * @param before the one before, whose end of the audit log is where this one begins; null for the first one
     */
    static ProposalSnapshot of(JdbcTemplate jdbc, ProposalSnapshot before) {
        return new ProposalSnapshot(Machine.parse(jdbc.queryForObject(
                """
                select jsonb_build_object(
                  'ideas', (select coalesce(jsonb_object_agg(idea_id, to_jsonb(i) - 'updated_at'), '{}') from ideas i),
                  'opportunities', (
                    select coalesce(jsonb_object_agg(opportunity_id, to_jsonb(o) - 'updated_at'), '{}') from opportunities o),
                  'reviews', (
                    select coalesce(jsonb_object_agg(opportunity_id, reviews), '{}')
                    from (select opportunity_id, count(*) as reviews from opportunity_reviews group by 1) r),
                  'audit', (
                    select coalesce(jsonb_agg(jsonb_build_object('row', row_id, 'actor', actor)), '[]')
                    from audit_log
                    where audit_id > ? and table_name in ('ideas', 'opportunities')),
                  'last', (select coalesce(max(audit_id), 0) from audit_log))
                """,
                String.class,
                before == null ? 0L : before.all.get("last").asLong())));
    }

    /** Whether an agent has proposed an opportunity, or promoted it from an idea. */
    boolean isOf(String agent, String opportunity) {
        JsonNode row = all.at("/opportunities/" + opportunity);
        return agent != null
                && (agent.equals(row.path("source_agent").asText())
                        || agent.equals(row.path("promoted_by").asText()));
    }

    /** The status of an opportunity, or null. */
    String status(String opportunity) {
        return all.at("/opportunities/" + opportunity + "/status").asText(null);
    }

    /** The author of an idea. */
    String authorOfIdea(String idea) {
        return all.at("/ideas/" + idea + "/source_agent").asText();
    }

    /** Whether both have the same ideas and opportunities. */
    boolean sameAs(ProposalSnapshot other) {
        return all.get("ideas").equals(other.all.get("ideas"))
                && all.get("opportunities").equals(other.all.get("opportunities"))
                && all.get("reviews").equals(other.all.get("reviews"));
    }

    /**
     * What one act did that it must not do.
     *
     * @param after the rows after it
     * @param actor the name of the caller in the audit log
     * @return what is broken, empty when nothing is
     */
    List<String> brokenBy(ProposalSnapshot after, String actor) {
        List<String> broken = new ArrayList<>();
        steps(after, "ideas", STEPS_OF_IDEAS, broken);
        steps(after, "opportunities", STEPS_OF_OPPORTUNITIES, broken);
        after.all.get("audit").forEach(row -> {
            if (!row.get("actor").asText().equals(actor)) {
                broken.add("an act of " + actor + " is audited as one of " + row.get("actor"));
            }
        });
        after.all.get("opportunities").fieldNames().forEachRemaining(id -> {
            int more = after.reviews(id) - reviews(id);
            boolean decided =
                    !after.status(id).equals(status(id)) && !after.status(id).equals("new");
            if (more < 0 || more > 1 || decided && more == 0) {
                broken.add(more + " reviews were added to " + id + ", which went from " + status(id) + " to "
                        + after.status(id));
            }
        });
        return broken;
    }

    private int reviews(String opportunity) {
        return all.get("reviews").path(opportunity).asInt();
    }

    private void steps(ProposalSnapshot after, String table, Map<String, Set<String>> steps, List<String> broken) {
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
                if (!now.get("status").asText().equals("new")) {
                    broken.add("a row of " + table + " begins as " + now.get("status"));
                }
                continue;
            }
            String from = before.get("status").asText();
            String to = now.get("status").asText();
            if (changed && steps.get(from).isEmpty()) {
                broken.add("an end was not final: " + before + " is " + now);
            } else if (!from.equals(to) && !steps.get(from).contains(to)) {
                broken.add("no step leads from " + from + " to " + to + ": " + id);
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
