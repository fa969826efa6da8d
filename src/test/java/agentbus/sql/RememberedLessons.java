package agentbus.sql;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** Memories about services, written as rows, and jobs about the same services, while phase 4 is on. */
final class RememberedLessons {
    private static final String MAPPING =
            "{\"service\": \"service\", \"project\": \"project\", \"person\": \"person\"}";

    private final Machine bus;

    RememberedLessons(Machine bus) {
        this.bus = bus;
        phase(4);
    }

    /** Starts a node with this phase. */
    void phase(int phase) {
        bus.jdbc().queryForList("select note_phase('default', ?, 'node')", phase);
    }

    String title(String service) {
        return "Drain " + service + " before its restart";
    }

    String body(String service) {
        return "A restart of " + service
                + " without draining drops the open sessions.\nDrain it for two minutes first.";
    }

    /** Adds a memory about a service; {@code more} are columns and their values. Returns its id. */
    String add(String service, Object... more) {
        ObjectNode row = Machine.json(
                "namespace",
                "default",
                "kind",
                "lesson",
                "scope",
                "service",
                "subject_key",
                service,
                "title",
                title(service),
                "body",
                body(service),
                "confidence",
                4,
                "visibility",
                "shared",
                "trust",
                "trusted",
                "source_agent",
                "research",
                "promoted_by",
                "agent:knowledge");
        row.setAll(Machine.json(more));
        return bus.jdbc()
                .queryForObject(
                        """
                        insert into memories (namespace, kind, scope, subject_key, title, body, evidence, source_refs,
                          confidence, stability, visibility, owner_agent, trust, source_agent, promoted_by, notes,
                          next_review_at)
                        select namespace, kind, scope, subject_key, title, body, 'Two restarts of the same kind failed.',
                          '[{"kind": "job", "id": "0197a0a0-0000-7000-8000-00000000000a"}]', confidence, 'medium',
                          visibility, owner_agent, trust, source_agent, promoted_by, 'Two jobs show it.',
                          now() + interval '60 days'
                        from jsonb_populate_record(null::memories, ?::jsonb)
                        returning memory_id""",
                        String.class,
                        row.toString());
    }

    /** A claimed job of devops about services. */
    Attempt leased(String... services) {
        return bus.leased(
                "payload",
                Machine.json(
                        "service",
                        services,
                        "task",
                        "restart " + String.join(" and ", services) + " and drain the open sessions"));
    }

    /** Has the memories of an attempt chosen, as its dispatch does. */
    JsonNode inject(Attempt attempt) {
        return bus.one("select inject_memories(?::uuid, ?::jsonb)", attempt.id(), MAPPING);
    }
}
