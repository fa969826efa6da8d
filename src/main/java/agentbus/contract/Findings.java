package agentbus.contract;

import agentbus.text.Nearest;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.JsonNodePath;
import com.networknt.schema.ValidationMessage;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;

/** Translates the validator's findings into problems for people. */
final class Findings {
    private final ObjectNode schema;
    private final ObjectNode input;
    private final UnaryOperator<String> naming;

    Findings(ObjectNode schema, ObjectNode input, UnaryOperator<String> naming) {
        this.schema = schema;
        this.input = input;
        this.naming = naming;
    }

    /** The problem for one finding. */
    Problem problem(ValidationMessage message) {
        Place place = find(message.getInstanceLocation());
        switch (message.getType()) {
            case "additionalProperties":
                return unknown(place, message.getProperty());
            case "required":
                return missing(place, message.getProperty());
            case "not":
                return together(place);
            case "uniqueItems":
                return twice(place);
            default:
                return invalid(place);
        }
    }

    /** A place in the input, with its value and the contract's schema for it. */
    private record Place(String path, JsonNode value, JsonNode schema, boolean required) {}

    private Place find(JsonNodePath location) {
        Place place = new Place("", input, schema, true);
        for (int i = 0; i < location.getNameCount(); i++) {
            Object element = location.getElement(i);
            if (element instanceof Integer index) {
                place = new Place(
                        place.path + "[" + index + "]", place.value.path(index), place.schema.path("items"), true);
            } else {
                String name = element.toString();
                place = new Place(
                        Storable.child(place.path, name),
                        place.value.path(name),
                        place.schema.path("properties").path(name),
                        requires(place.schema, name));
            }
        }
        return place;
    }

    private static boolean requires(JsonNode schema, String name) {
        for (JsonNode required : schema.path("required")) {
            if (required.asText().equals(name)) {
                return true;
            }
        }
        return false;
    }

    private Problem unknown(Place parent, String name) {
        String path = Storable.child(parent.path, name);
        List<String> known = Wording.names(parent.schema);
        return unknown(path, name, parent.value.get(name), naming.apply(path), known);
    }

    /** The problem for an unknown field; {@code label} is the field's name in the sentence. */
    static Problem unknown(String path, String name, JsonNode value, String label, List<String> known) {
        Optional<String> nearest = Nearest.of(name, known);
        String hint = Nearest.hint(name, known) + (nearest.isPresent() ? "" : ".");
        String expected = nearest.orElse(known.isEmpty() ? "no fields" : "one of " + String.join(", ", known));
        return Problem.unknownField(path, value, label + " is not a known field; " + hint, expected);
    }

    private Problem missing(Place parent, String name) {
        String path = Storable.child(parent.path, name);
        String expected = Wording.expected(parent.schema.path("properties").path(name));
        return Problem.missingField(path, naming.apply(path) + " is missing; it must be " + expected + ".", expected);
    }

    private Problem together(Place place) {
        JsonNode pair = place.schema.path("not");
        List<String> labels = new ArrayList<>();
        String last = "";
        JsonNode value = null;
        for (JsonNode name : pair.path("required")) {
            last = Storable.child(place.path, name.asText());
            value = place.value.get(name.asText());
            JsonNode only = pair.path("properties").path(name.asText()).get("const");
            labels.add(naming.apply(last) + (only == null ? "" : " " + only));
        }
        String expected = "only one of " + String.join(", ", labels);
        String others = String.join(" and ", labels.subList(0, labels.size() - 1));
        String detail = naming.apply(last) + " is not allowed together with " + others + "; give only one of them.";
        return Problem.invalidField(last, value, detail, expected);
    }

    private Problem twice(Place place) {
        Set<JsonNode> seen = new HashSet<>();
        for (JsonNode item : place.value) {
            if (seen.contains(item)) {
                String path = place.path + "[" + seen.size() + "]";
                String expected = "a list that names each entry once";
                return Problem.invalidField(
                        path,
                        item,
                        naming.apply(path) + " is " + Wording.quoted(item) + ", which is there already; it must be in "
                                + expected + ".",
                        expected);
            }
            seen.add(item);
        }
        return invalid(place);
    }

    private Problem invalid(Place place) {
        String expected = Wording.expected(place.schema);
        String hint = place.schema.has("enum") ? meant(place) : "";
        String must = place.value.isNull() && !place.required ? "; leave it out, or give " : "; it must be ";
        String detail = naming.apply(place.path) + " is " + state(place) + must + expected + "." + hint;
        return Problem.invalidField(place.path, place.value, detail, expected);
    }

    /** The fault of the value in words, for cases where the value alone does not show it. */
    private static String state(Place place) {
        JsonNode value = place.value;
        String type = place.schema.path("type").asText();
        if (value.isTextual() && type.equals("string")) {
            String text = value.textValue();
            int length = text.codePointCount(0, text.length());
            if (length > place.schema.path("maxLength").asInt(Integer.MAX_VALUE)) {
                return Wording.counted(length, "character") + " long";
            }
            return text.isEmpty() ? "empty" : Wording.quoted(value);
        }
        if (value.isArray() && type.equals("array")) {
            return "a list of " + value.size();
        }
        if (value.isObject() && type.equals("object")) {
            return "an object with " + Wording.counted(value.size(), "field");
        }
        return Wording.quoted(value);
    }

    private static String meant(Place place) {
        List<String> allowed = new ArrayList<>();
        place.schema.get("enum").forEach(value -> allowed.add(value.asText()));
        return Nearest.of(place.value.asText(), allowed)
                .map(name -> " Did you mean " + name + "?")
                .orElse("");
    }
}
