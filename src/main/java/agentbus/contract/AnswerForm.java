package agentbus.contract;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashSet;
import java.util.Set;

/**
 * The form of an operation's answer, as far as it tells the bus from another server: the lists and objects that the
 * answer must have, and the names of its other required fields. A newer or older bus may lack some of the latter.
 */
final class AnswerForm {
    private final Set<String> lists = new HashSet<>();
    private final Set<String> objects = new HashSet<>();
    private final Set<String> required = new HashSet<>();

    /**
     * The form that a schema describes.
     *
     * @param schema the schema of the answer, without references
     */
    AnswerForm(JsonNode schema) {
        add(schema);
        schema.path("allOf").forEach(this::add);
    }

    private void add(JsonNode schema) {
        schema.path("required").forEach(name -> {
            required.add(name.asText());
            String type =
                    schema.path("properties").path(name.asText()).path("type").asText();
            if (type.equals("array")) {
                lists.add(name.asText());
            } else if (type.equals("object")) {
                objects.add(name.asText());
            }
        });
    }

    /** Whether an answer can be one of the bus. */
    boolean fits(JsonNode answer) {
        return answer.isObject()
                && !answer.isEmpty()
                && lists.stream().allMatch(name -> answer.path(name).isArray())
                && objects.stream().allMatch(name -> answer.path(name).isObject())
                && (required.isEmpty() || required.stream().anyMatch(answer::has));
    }
}
