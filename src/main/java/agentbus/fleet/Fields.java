package agentbus.fleet;

import agentbus.text.Nearest;
import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** Takes values out of a file, and says of each that is wrong where it stands and what would be right. */
final class Fields {

    private final YamlFile file;

    Fields(YamlFile file) {
        this.file = file;
    }

    /**
     * Refuses keys that a mapping may not have.
     *
     * @param node the mapping
     * @param at where it stands
     * @param known the keys it may have
     */
    void checkKeys(ObjectNode node, JsonPointer at, List<String> known) {
        node.fieldNames().forEachRemaining(key -> {
            if (!known.contains(key)) {
                throw file.error(
                        at.appendProperty(key),
                        (at.matches() ? "" : YamlFile.field(at) + ": ") + "there is no key " + AgentFileError.shown(key)
                                + "; " + Nearest.hint(key, known));
            }
        });
    }

    /**
     * A list of different texts.
     *
     * @param parent the mapping that holds the list
     * @param at where the mapping stands
     * @param key the list's key
     * @param rule what each text must be
     * @return the texts in their order; none when the key is absent
     */
    List<String> texts(ObjectNode parent, JsonPointer at, String key, Rule rule) {
        JsonPointer place = at.appendProperty(key);
        JsonNode list = list(parent, at, key);
        Set<String> texts = new LinkedHashSet<>();
        for (int i = 0; i < list.size(); i++) {
            if (!texts.add(text(list.get(i), place.appendIndex(i), rule))) {
                throw file.wrong(place.appendIndex(i), "it stands in the list already; once is right");
            }
        }
        return List.copyOf(texts);
    }

    /** A list; an empty one when the key is absent. */
    JsonNode list(ObjectNode parent, JsonPointer at, String key) {
        JsonNode list = parent.has(key) ? parent.get(key) : parent.arrayNode();
        if (!list.isArray()) {
            throw file.wrong(at.appendProperty(key), "it must be a list; [] for none");
        }
        return list;
    }

    /** A text that must be there. */
    String text(ObjectNode parent, JsonPointer at, String key, Rule rule) {
        if (!parent.has(key)) {
            throw file.error(at, YamlFile.field(at.appendProperty(key)) + " is missing; " + rule.right());
        }
        return text(parent.get(key), at.appendProperty(key), rule);
    }

    /** A value as text. */
    String text(JsonNode value, JsonPointer at, Rule rule) {
        if (!value.isTextual()) {
            throw file.wrong(
                    at, value.isValueNode() ? rule.right() + "; text that reads otherwise needs quotes" : rule.right());
        }
        if (!rule.allows(value.textValue())) {
            throw file.wrong(at, rule.right());
        }
        return value.textValue();
    }

    /** A whole number, {@code absent} when the key is not there. */
    int number(ObjectNode parent, JsonPointer at, String key, int least, int most, int absent) {
        if (!parent.has(key)) {
            return absent;
        }
        JsonNode value = parent.get(key);
        boolean whole = value.isIntegralNumber() && value.canConvertToInt();
        if (!whole || value.intValue() < least || value.intValue() > most) {
            throw file.wrong(at.appendProperty(key), "it must be a whole number from " + least + " to " + most);
        }
        return value.intValue();
    }

    /** A truth value, false when the key is not there. */
    boolean flag(ObjectNode parent, JsonPointer at, String key) {
        if (!parent.has(key)) {
            return false;
        }
        if (!parent.get(key).isBoolean()) {
            throw file.wrong(at.appendProperty(key), "it must be true or false");
        }
        return parent.get(key).booleanValue();
    }
}
