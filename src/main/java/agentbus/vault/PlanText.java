package agentbus.vault;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Shows all that a call of an import sends, so that a person who agrees to it has seen it. */
final class PlanText {
    private static final String INDENT = "  ";

    /** The list of the import names the namespace itself; the key follows from the note. */
    private static final Set<String> NOT_SHOWN = Set.of("namespace", "dedupeKey");

    private PlanText() {}

    /**
     * Shows the input of a call.
     *
     * @param input the input
     * @param before the texts that the call changes, by the names of their fields; only their changed lines are shown
     * @return lines, with {@code - } before lines that go and {@code + } before lines that come
     */
    static List<String> of(JsonNode input, JsonNode before) {
        List<String> lines = new ArrayList<>();
        for (Map.Entry<String, JsonNode> field : input.properties()) {
            String name = field.getKey();
            if (NOT_SHOWN.contains(name)) {
                continue;
            }
            if (before.has(name)) {
                changed(name, before.get(name).asText(), field.getValue().asText(), lines);
            } else {
                whole(name, field.getValue(), lines);
            }
        }
        return lines;
    }

    private static void whole(String name, JsonNode value, List<String> lines) {
        if (value.isObject()) {
            value.properties().forEach(part -> whole(name + "." + part.getKey(), part.getValue(), lines));
            return;
        }
        String text = value.isTextual() ? value.asText() : value.toString();
        if (text.lines().count() <= 1) {
            lines.add(name + ": " + text.strip());
        } else {
            lines.add(name + ":");
            text.lines().forEach(line -> lines.add(INDENT + line));
        }
    }

    /** The lines between the equal ones at the beginning and at the end. */
    private static void changed(String name, String before, String after, List<String> lines) {
        List<String> old = before.lines().toList();
        List<String> now = after.lines().toList();
        int shorter = Math.min(old.size(), now.size());
        int begin = 0;
        while (begin < shorter && old.get(begin).equals(now.get(begin))) {
            begin++;
        }
        int end = 0;
        while (end < shorter - begin && old.get(old.size() - 1 - end).equals(now.get(now.size() - 1 - end))) {
            end++;
        }
        if (begin == old.size() - end && begin == now.size() - end) {
            return;
        }
        lines.add(name + ":");
        old.subList(begin, old.size() - end).forEach(line -> lines.add(INDENT + "- " + line));
        now.subList(begin, now.size() - end).forEach(line -> lines.add(INDENT + "+ " + line));
    }
}
