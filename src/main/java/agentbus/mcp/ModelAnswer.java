package agentbus.mcp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * Shortens an answer for a model, which pays for every character that it reads. The longest values go first: the end of
 * a text or of a list, and then whole fields. The field {@code leftOut} names each of them with its size.
 */
final class ModelAnswer {
    /**
     * The most bytes of a tool's result, in which the answer stands twice: as structured content and as text.
     *
     * <p>Chosen: about 8,000 tokens, a small part of a model's context.
     */
    static final int MOST_BYTES = 32_000;

    /** Chosen: the most bytes of a list's rows, so that the page ends before its result has to be shortened. */
    static final int LIST_BYTES = 13_000;

    private static final String LEFT_OUT = "leftOut";
    /** For the fields of the result around the two answers. */
    private static final int FRAME = 200;
    /** For one entry of the field {@code leftOut}. */
    private static final int ENTRY = 200;
    /** Chosen: cutting a shorter value saves less than its entry costs. */
    private static final int WORTH_CUTTING = 400;

    private final ArrayNode leftOut = JsonNodeFactory.instance.arrayNode();

    private ModelAnswer() {}

    /**
     * Shortens an answer if necessary.
     *
     * @param answer the answer of an operation; changed in place
     * @return the same object
     */
    static ObjectNode fit(ObjectNode answer) {
        ModelAnswer model = new ModelAnswer();
        long excess = size(answer) + FRAME - MOST_BYTES;
        while (excess > 0 && model.shorten("", answer, excess + ENTRY)) {
            answer.set(LEFT_OUT, model.leftOut);
            excess = size(answer) + FRAME - MOST_BYTES;
        }
        return answer;
    }

    /** The bytes of a value in a result: once as JSON, and once as JSON within a JSON text. */
    private static long size(JsonNode value) {
        String json = value.toString();
        return bytes(json) + bytes(JsonNodeFactory.instance.textNode(json).toString());
    }

    private static int bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8).length;
    }

    /**
     * Cuts the longest value of an object by about {@code excess} bytes, or a value within it. Returns false when no
     * value is worth cutting.
     */
    private boolean shorten(String path, ObjectNode object, long excess) {
        String name = null;
        long most = 0;
        for (Map.Entry<String, JsonNode> field : object.properties()) {
            long size = field.getKey().equals(LEFT_OUT) && path.isEmpty() ? 0 : size(field.getValue());
            if (size > most) {
                most = size;
                name = field.getKey();
            }
        }
        if (most < WORTH_CUTTING) {
            return false;
        }
        String place = path.isEmpty() ? name : path + "." + name;
        JsonNode value = object.get(name);
        if (value.isTextual()) {
            object.put(name, cutText(place, value.textValue(), most, excess));
        } else if (value instanceof ArrayNode list) {
            return shorten(place, list, excess);
        } else if (!(value instanceof ObjectNode inner) || !shorten(place, inner, excess)) {
            object.remove(name);
            note(place + ": " + bytes(value.toString()) + " bytes are left out");
        }
        return true;
    }

    /** Removes the oldest items of a list, or shortens its only one. */
    private boolean shorten(String path, ArrayNode list, long excess) {
        if (list.size() == 1 && list.get(0) instanceof ObjectNode only && shorten(path + "[0]", only, excess)) {
            return true;
        }
        int before = list.size();
        boolean oldestFirst = age(list.get(0)) < age(list.get(before - 1));
        for (long saved = 0; saved < excess && list.size() > 1; ) {
            saved += size(list.remove(oldestFirst ? 0 : list.size() - 1));
        }
        if (list.size() == before) {
            list.removeAll();
        }
        note(path + ": " + (before - list.size()) + " of " + before + " entries are left out");
        return true;
    }

    /** The number that grows with each attempt, job or event; 0 for other items. */
    private static long age(JsonNode item) {
        return item.path(item.has("attemptNo") ? "attemptNo" : "seq").asLong();
    }

    private String cutText(String path, String text, long size, long excess) {
        // In proportion, because a character can take between two and twelve bytes.
        int end = (int) Math.max(0, text.length() * (size - excess - WORTH_CUTTING) / size);
        if (end > 0 && Character.isHighSurrogate(text.charAt(end - 1))) {
            end--;
        }
        note(path + ": " + (text.length() - end) + " of " + text.length() + " characters are left out");
        return text.substring(0, end) + "…";
    }

    private void note(String entry) {
        leftOut.add(entry);
    }
}
