package agentbus.contract;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;

/**
 * Refuses values that JSON allows and Postgres cannot store: U+0000, unpaired surrogates, numbers out of range. Also
 * refuses a field that becomes far larger in Postgres, which writes {@code 1e999} as a thousand digits.
 */
final class Storable {
    private static final int MAX_DIGITS = 1000;
    /** The same number as {@code number_growth} in {@code R__policy.sql}, which has the reason. */
    private static final int MOST_GROWTH = 262_144;

    private static final int LONGEST_NAME = 80;
    private static final Pattern PLAIN_NAME = Pattern.compile("[A-Za-z_$][A-Za-z0-9_$]*");

    private final UnaryOperator<String> naming;

    private Storable(UnaryOperator<String> naming) {
        this.naming = naming;
    }

    /**
     * Checks every text, name and number in an input.
     *
     * @throws Problem invalid_field with the path of the innermost field, or of the field of the input that would grow
     */
    static void check(JsonNode input, UnaryOperator<String> naming) {
        Storable storable = new Storable(naming);
        storable.check("", input);
        for (Map.Entry<String, JsonNode> field : input.properties()) {
            storable.checkGrowth(child("", field.getKey()), field.getValue());
        }
    }

    private void checkGrowth(String path, JsonNode value) {
        long growth = growth(value);
        if (growth > MOST_GROWTH) {
            String expected = "numbers that grow by at most " + MOST_GROWTH + " bytes when they are written out";
            long written = growth + value.toString().getBytes(StandardCharsets.UTF_8).length;
            throw Problem.invalidField(
                    path,
                    value,
                    naming.apply(path) + " is " + written + " bytes when its numbers are written out; it must have "
                            + expected + ".",
                    expected);
        }
    }

    /** How many more characters the numbers of a value have without exponents. */
    private static long growth(JsonNode value) {
        if (value.isBigDecimal()) {
            return Math.max(0, written(value.decimalValue()) - value.asText().length());
        }
        long growth = 0;
        for (JsonNode item : value) {
            growth += growth(item);
        }
        return growth;
    }

    /** The length of a number as Postgres writes it, without its sign. */
    private static long written(BigDecimal number) {
        long scale = number.scale();
        long whole = number.signum() == 0 ? 1 : Math.max(1, number.precision() - scale);
        return scale <= 0 ? whole : whole + 1 + scale;
    }

    private void check(String path, JsonNode value) {
        switch (value.getNodeType()) {
            case STRING:
                checkText(path, value.textValue(), value);
                break;
            case NUMBER:
                checkNumber(path, value);
                break;
            case ARRAY:
                for (int i = 0; i < value.size(); i++) {
                    JsonNode item = value.get(i);
                    // This runs for every request, so paths are built only for containers and for faulty values.
                    check(item.isContainerNode() || faulty(item) ? path + "[" + i + "]" : path, item);
                }
                break;
            case OBJECT:
                checkObject(path, value);
                break;
            default:
                break;
        }
    }

    private void checkObject(String path, JsonNode object) {
        for (Map.Entry<String, JsonNode> field : object.properties()) {
            String name = field.getKey();
            JsonNode value = field.getValue();
            if (badCharacter(name) >= 0) {
                checkText(child(path, name), name, JsonNodeFactory.instance.textNode(name));
            }
            if (value.isContainerNode() || faulty(value)) {
                check(child(path, name), value);
            }
        }
    }

    private static boolean faulty(JsonNode value) {
        return value.isTextual() ? badCharacter(value.textValue()) >= 0 : value.isNumber() && !fits(value);
    }

    private void checkText(String path, String text, JsonNode value) {
        int at = badCharacter(text);
        if (at < 0) {
            return;
        }
        String name = text.charAt(at) == 0
                ? "U+0000"
                : String.format("half a surrogate pair (U+%04X)", (int) text.charAt(at));
        String expected = "text without U+0000 and with whole characters";
        throw Problem.invalidField(
                path,
                value,
                naming.apply(path) + " holds " + name + " at position " + at
                        + ", which the database cannot store; it must be " + expected + ".",
                expected);
    }

    private void checkNumber(String path, JsonNode value) {
        if (!fits(value)) {
            String expected = "a number of at most " + MAX_DIGITS + " digits";
            throw Problem.invalidField(
                    path,
                    value,
                    naming.apply(path) + " is " + Wording.quoted(value) + "; it must be " + expected + ".",
                    expected);
        }
    }

    private static boolean fits(JsonNode value) {
        if (!value.isBigDecimal()) {
            return true;
        }
        BigDecimal number = value.decimalValue();
        long scale = number.scale();
        return scale <= MAX_DIGITS && number.precision() - scale <= MAX_DIGITS;
    }

    private static int badCharacter(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == 0) {
                return i;
            }
            if (Character.isSurrogate(c)) {
                boolean whole = Character.isHighSurrogate(c)
                        && i + 1 < text.length()
                        && Character.isLowSurrogate(text.charAt(i + 1));
                if (!whole) {
                    return i;
                }
                i++;
            }
        }
        return -1;
    }

    /** The dotted path of a nested field; a name with special characters stands in brackets. */
    static String child(String path, String name) {
        if (name.length() > LONGEST_NAME) {
            return path + "[" + Wording.quoted(JsonNodeFactory.instance.textNode(name)) + "]";
        }
        if (!PLAIN_NAME.matcher(name).matches()) {
            return path + "[" + JsonNodeFactory.instance.textNode(name) + "]";
        }
        return path.isEmpty() ? name : path + "." + name;
    }
}
