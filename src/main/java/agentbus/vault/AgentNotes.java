package agentbus.vault;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/** The notes of agents: what each is for, and what came from it. */
final class AgentNotes {
    private final Templates templates;
    private final IndexNotes lists;

    /**
     * Notes of agents.
     *
     * @param templates the bodies
     * @param lists the lists of what came from an agent
     */
    AgentNotes(Templates templates, IndexNotes lists) {
        this.templates = templates;
        this.lists = lists;
    }

    /**
     * Makes the note of an agent.
     *
     * @param row as {@code vault_agents} returns it
     * @param links links to the other notes
     * @return its text
     */
    NoteText note(JsonNode row, Links links) {
        String agent = row.path("agentId").asText();
        FrontMatter matter = new FrontMatter()
                .with("id", agent)
                .with("kind", "agent")
                .with("status", row.path("status").asText())
                .with("title", agent)
                .with("created", row.path("createdAt").asText())
                .with("namespace", row.path("namespace").asText());
        Map<String, Object> model = new HashMap<>();
        model.put("title", agent);
        model.put("disabled", "disabled".equals(row.path("status").asText()));
        model.put("mission", Escaping.block(row.path("mission").asText()));
        model.put("accepts", codes(row.path("accepts")));
        model.put("emits", codes(row.path("emits")));
        model.put("handsTo", handsTo(row.path("handsTo"), links));
        model.put("untrusted", "untrusted".equals(row.path("reads").asText()));
        model.put("rights", rights(row));
        model.put("orders", orders(row.path("orders")));
        model.put("questions", questions(row.path("questions")));
        model.put("opportunities", of(agent, "opportunity"));
        model.put("ideas", of(agent, "idea"));
        model.put("memories", of(agent, "memory"));
        return NoteText.of(matter, templates.fill("agent", model));
    }

    private String of(String agent, String kind) {
        Predicate<Entry> its = entry -> kind.equals(entry.key().kind()) && agent.equals(entry.agent());
        return lists.newest(its);
    }

    private static String codes(JsonNode texts) {
        List<String> codes = new ArrayList<>();
        Words.texts(texts).forEach(text -> codes.add(Escaping.code(text)));
        return String.join(", ", codes);
    }

    private static String handsTo(JsonNode agents, Links links) {
        List<String> names = new ArrayList<>();
        Words.texts(agents).stream()
                .distinct()
                .forEach(agent -> names.add("*".equals(agent) ? "every other agent" : links.to("agent", agent)));
        return String.join(", ", names);
    }

    private static String rights(JsonNode row) {
        List<String> rights = new ArrayList<>();
        if (row.path("mayTriage").asBoolean()) {
            rights.add("It may decide about opportunities.");
        }
        if (row.has("mayPromote")) {
            rights.add("It may promote memories"
                    + ("shared".equals(row.path("mayPromote").asText()) ? "." : " of its own role."));
        }
        return String.join(" ", rights);
    }

    private static String orders(JsonNode orders) {
        List<String> lines = new ArrayList<>();
        for (JsonNode order : orders) {
            lines.add("- **" + Escaping.line(order.path("name").asText()) + "**, "
                    + Escaping.line(order.path("words").asText()) + ". "
                    + Escaping.line(order.path("purpose").asText()));
        }
        return String.join("\n", lines);
    }

    private static String questions(JsonNode questions) {
        List<String> lines = new ArrayList<>();
        Words.texts(questions).forEach(question -> lines.add("- " + Escaping.line(question)));
        return String.join("\n", lines);
    }
}
