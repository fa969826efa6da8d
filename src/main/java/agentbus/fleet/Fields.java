package agentbus.fleet;

import agentbus.text.Nearest;
import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigDecimal;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** Reads checked values from a file. The error for a wrong value names its location and the rule. */
final class Fields {

    private final YamlFile file;

    Fields(YamlFile file) {
        this.file = file;
    }

    /**
     * Refuses a mapping's unknown keys.
     *
     * @param node the mapping
     * @param at the mapping's place
     * @param known the allowed keys
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
     * Reads a list of texts without duplicates.
     *
     * @param parent the mapping with the list
     * @param at the mapping's place
     * @param key the list's key
     * @param rule the rule for each text
     * @return the texts in the file's order; empty when the key is absent
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

    /** Reads a list; returns an empty list when the key is absent. */
    JsonNode list(ObjectNode parent, JsonPointer at, String key) {
        JsonNode list = parent.has(key) ? parent.get(key) : parent.arrayNode();
        if (!list.isArray()) {
            throw file.wrong(at.appendProperty(key), "it must be a list; [] for none");
        }
        return list;
    }

    /** Reads a required text. */
    String text(ObjectNode parent, JsonPointer at, String key, Rule rule) {
        if (!parent.has(key)) {
            throw file.error(at, YamlFile.field(at.appendProperty(key)) + " is missing; " + rule.right());
        }
        return text(parent.get(key), at.appendProperty(key), rule);
    }

    /** Checks a value that must be text. */
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

    /** Reads a whole number; returns {@code absent} when the key is absent. */
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

    /** Reads an amount of money from 0 to {@code most}, with at most two decimals. */
    BigDecimal amount(ObjectNode parent, JsonPointer at, String key, int most) {
        JsonNode value = parent.get(key);
        if (!value.isNumber()
                || value.decimalValue().signum() < 0
                || value.decimalValue().compareTo(BigDecimal.valueOf(most)) > 0
                || value.decimalValue().stripTrailingZeros().scale() > 2) {
            throw file.wrong(
                    at.appendProperty(key), "it must be a number from 0 to " + most + ", with at most two decimals");
        }
        return value.decimalValue();
    }

    /** Reads a boolean; returns false when the key is absent. */
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
