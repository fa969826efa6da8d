package agentbus.sql;

import static agentbus.sql.Machine.json;

import agentbus.text.Json;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.UUID;

/** Rows of idle runs and of what came of them, as they lie in the tables, at any age and in any state. */
final class IdleRows {
    private final Machine bus;

    IdleRows(Machine bus) {
        this.bus = bus;
    }

    /**
     * Inserts an idle run of research that took five minutes, so many days ago.
     *
     * @param columns names and values in turn, in place of the defaults
     * @return the id of its job
     */
    String run(int daysAgo, Object... columns) {
        ObjectNode row = json(columns);
        String job = UUID.randomUUID().toString();
        with(row, "namespace", "default");
        with(row, "agent_id", "research");
        with(row, "order_name", "research-idle");
        with(row, "slot_id", UUID.randomUUID().toString());
        with(row, "job_id", job);
        with(row, "gateway", "default");
        with(row, "question", "What has changed that nobody acted on?");
        with(row, "budget", json("runs", 2, "minutes", 40, "tokens", 200_000, "dollars", 2));
        with(row, "by_hand", false);
        with(row, "created_at", ago(daysAgo, 10));
        with(row, "began_at", ago(daysAgo, 10));
        with(row, "ended_at", ago(daysAgo, 5));
        with(row, "outcome", row.get("ended_at").isNull() ? null : "completed");
        with(row, "seconds", 300);
        insert("idle_runs", row);
        return row.get("job_id").asText();
    }

    /** Inserts an idea that research had in an idle run now. */
    String idea(String job, Object... columns) {
        ObjectNode row = json(columns);
        with(row, "title", "One script less");
        with(row, "body", "Two scripts do the same.");
        return output("ideas", "idea_id", job, row);
    }

    /** Inserts an idea that coordinator has promoted; returns the id of the opportunity that it has become. */
    String promoted(String job) {
        return promoted(job, "coordinator");
    }

    /** Inserts an idea that this agent has promoted; returns the id of the opportunity that it has become. */
    String promoted(String job, String promoter) {
        String opportunity = UUID.randomUUID().toString();
        String idea =
                idea(job, "status", "promoted_to_opportunity", "opportunity_id", opportunity, "ended_at", ago(0, 0));
        opportunity(job, "opportunity_id", opportunity, "idea_id", idea, "promoted_by", promoter);
        return opportunity;
    }

    /** Inserts an opportunity that research proposed in an idle run now. */
    String opportunity(String job, Object... columns) {
        ObjectNode row = json(columns);
        with(row, "title", "One script less");
        with(row, "why_now", "A third one is planned.");
        with(row, "if_nothing", "There are three.");
        with(row, "evidence", List.of());
        with(row, "impact", 3);
        with(row, "confidence", 3);
        with(row, "urgency", 2);
        with(row, "reversibility", "high");
        with(row, "owner_candidate", "devops");
        with(row, "suggested_next_step", "Compare them.");
        return output("opportunities", "opportunity_id", job, row);
    }

    private String output(String table, String key, String job, ObjectNode row) {
        with(row, "namespace", "default");
        with(row, "source_agent", "research");
        with(row, "source_job_id", job);
        with(row, "source_job_type", "idle");
        with(row, "theme", "toil");
        with(row, key, UUID.randomUUID().toString());
        // A row of jsonb_populate_record has null in place of the defaults.
        with(row, "status", "new");
        with(row, "tags", List.of());
        with(row, "evidence", List.of());
        if (table.equals("opportunities")) {
            row.remove("tags");
        }
        insert(table, row);
        return row.get(key).asText();
    }

    /** The time so many days and minutes ago, as text. */
    String ago(int days, int minutes) {
        return bus.jdbc()
                .queryForObject(
                        "select (now() - make_interval(days => ?, mins => ?))::text", String.class, days, minutes);
    }

    private static void with(ObjectNode row, String column, Object value) {
        if (!row.has(column)) {
            row.set(column, Json.tree(value));
        }
    }

    private void insert(String table, ObjectNode row) {
        String columns = String.join(", ", (Iterable<String>) row::fieldNames);
        bus.jdbc()
                .update(
                        "insert into " + table + " (" + columns + ") select " + columns
                                + " from jsonb_populate_record(null::" + table + ", ?::jsonb)",
                        row.toString());
    }
}
