package agentbus.dispatch;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The memories in a prompt. Their words come from agents and stand among the data, each line with a mark before it; the
 * line that names a memory holds nothing that could be taken for another one.
 */
final class PromptMemories {
    private PromptMemories() {}

    /**
     * The template's data of the memories.
     *
     * @param memories the memories, as {@code inject_memories} returns them; null when none were looked for
     * @return hasMemories; and remembered, one map for each with memoryHead and memoryText. No key is a key of the hook
     *     call, because a section of the template that lacks a key takes it from there
     */
    static Map<String, Object> model(Object memories) {
        List<Map<String, Object>> remembered = new ArrayList<>();
        if (memories instanceof List<?> all) {
            for (Object one : all) {
                Map<?, ?> memory = (Map<?, ?>) one;
                remembered.add(Map.of(
                        "memoryHead", head(remembered.size() + 1, memory),
                        "memoryText", PromptQuestions.quoted(memory.get("title") + "\n" + memory.get("body"))));
            }
        }
        Map<String, Object> model = new HashMap<>();
        model.put("hasMemories", !remembered.isEmpty());
        model.put("remembered", remembered);
        return model;
    }

    /** Whether one of the memories of a hook call rests on text from outside. */
    static boolean holdTextFromOutside(Object memories) {
        return memories instanceof List<?> all
                && all.stream().anyMatch(one -> "untrusted".equals(((Map<?, ?>) one).get("trust")));
    }

    /** Such as "[m1] lesson · service "web-1" · confidence 4 · from devops, 2 jobs · id 0190f5b8-…". */
    private static String head(int number, Map<?, ?> memory) {
        Object subject = memory.get("subjectKey");
        return "[m" + number + "] " + memory.get("kind") + " · " + memory.get("scope")
                + (subject == null ? "" : " \"" + inHead(subject) + "\"") + " · confidence "
                + memory.get("confidenceScore") + " · from " + inHead(memory.get("source")) + " · id "
                + memory.get("memoryId")
                + ("untrusted".equals(memory.get("trust")) ? " · with text from outside" : "");
    }

    /** One line, without the marks that divide the head. */
    private static String inHead(Object text) {
        return String.valueOf(text).replaceAll("[\\s·\"]+", " ").strip();
    }
}
