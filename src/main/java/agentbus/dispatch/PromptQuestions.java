package agentbus.dispatch;

import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * The questions of a job in its prompt. The words of the agent, such as the question itself, may repeat text from
 * outside and stand among the data. The answer of a person who runs the bus stands before it.
 */
final class PromptQuestions {
    /** How the name of an actor begins that is an operator. */
    private static final String OPERATOR = "operator:";
    /** How the name of a route begins, which acts as an operator and may pass on text from outside. */
    private static final String ROUTE = "operator:route:";

    private PromptQuestions() {}

    /** Whether an actor is a person who runs the bus. */
    static boolean isPerson(Object actor) {
        String name = String.valueOf(actor);
        return name.startsWith(OPERATOR) && !name.startsWith(ROUTE);
    }

    /** The name of an actor for the prompt, such as "Operator anna". */
    static String name(Object actor) {
        String name = String.valueOf(actor);
        return isPerson(name) ? "Operator " + name.substring(OPERATOR.length()) : name;
    }

    /** A text with a mark before each line, so that no line of it looks like a heading of the prompt. */
    static String quoted(Object text) {
        return String.valueOf(text).lines().map(line -> "> " + line).collect(Collectors.joining("\n"));
    }

    /**
     * The template's data of the questions.
     *
     * @param questions the questions, as {@code questions_for_prompt} returns them, oldest first
     * @return one map for each. No key is a key of the hook call, because a section of the template that lacks a key
     *     takes it from there
     * @throws JsonProcessingException never, because the questions were read from JSON
     */
    static List<Map<String, Object>> model(List<Map<String, Object>> questions) throws JsonProcessingException {
        List<Map<String, Object>> asked = new ArrayList<>();
        for (Map<String, Object> question : questions) {
            Map<String, Object> item = new HashMap<>();
            boolean answered = "answered".equals(question.get("status"));
            boolean byPerson = answered && isPerson(question.get("answeredBy"));
            boolean approved = "approved".equals(question.get("decision")) && question.containsKey("counts");
            item.put("number", asked.size() + 1);
            item.put("askedAs", question.get("kind"));
            item.put("askedText", question.get("question"));
            item.put("choices", question.get("options") instanceof List<?> options ? joined(options) : null);
            item.put("fallback", question.get("defaultOption"));
            item.put("contentText", question.containsKey("content") ? Json.pretty(question.get("content")) : null);
            item.put("approvedHash", question.get("contentHash"));
            item.put("saidBy", name(question.get("answeredBy")));
            item.put("saidAt", question.get("answeredAt"));
            item.put("byPerson", byPerson);
            item.put("personSays", byPerson ? quoted(question.get("told")) : null);
            item.put("otherSays", answered && !byPerson ? question.get("told") : null);
            item.put("silent", "expired".equals(question.get("status")));
            item.put("withdrawn", "withdrawn".equals(question.get("status")));
            item.put("withdrawnWhy", "withdrawn".equals(question.get("status")) ? question.get("reason") : null);
            item.put("approvalCounts", approved && Boolean.TRUE.equals(question.get("counts")));
            item.put("approvalOver", approved && !Boolean.TRUE.equals(question.get("counts")));
            asked.add(item);
        }
        return asked;
    }

    private static String joined(List<?> options) {
        return options.stream().map(String::valueOf).collect(Collectors.joining(" | "));
    }
}
