package agentbus.contract;

import agentbus.text.Nearest;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Collection;
import java.util.Optional;

/**
 * A refusal, as RFC 9457 describes one: what was wrong, with what value, and what would be right. It is thrown where the
 * fault is seen and answered by the door that was used; it has no stack trace, because a refused request is no defect.
 */
public final class Problem extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private static final String TYPE_PREFIX = "urn:agentbus:problem:";

    private final int status;
    private final String code;
    private final String field;
    private final JsonNode value;
    private final String expected;
    private final long retryAfterSeconds;

    /**
     * A problem with all its parts but a time to wait.
     *
     * @param status the HTTP status, 400 to 599
     * @param code the stable code, one of the contract's {@code Problem.code}
     * @param detail one sentence for people
     * @param field the dotted path of the field at fault, or null
     * @param value the refused value, or null; shortened when long
     * @param expected what would be right, or null
     */
    public Problem(int status, String code, String detail, String field, JsonNode value, String expected) {
        this(status, code, detail, field, value, expected, 0);
    }

    private Problem(
            int status,
            String code,
            String detail,
            String field,
            JsonNode value,
            String expected,
            long retryAfterSeconds) {
        super(Wording.whole(detail), null, false, false);
        this.status = status;
        this.code = code;
        this.field = field == null ? null : Wording.whole(field);
        this.value = value == null ? null : Wording.shortened(value);
        this.expected = expected;
        this.retryAfterSeconds = retryAfterSeconds;
    }

    /**
     * A problem that is about no field.
     *
     * @param status the HTTP status
     * @param code the stable code
     * @param detail one sentence for people
     * @return the problem
     */
    public static Problem of(int status, String code, String detail) {
        return new Problem(status, code, detail, null, null, null);
    }

    /**
     * The body is not one JSON object.
     *
     * @param detail what is wrong, with line and column
     * @param expected what would be right
     * @return a 400 {@code malformed_json}
     */
    public static Problem malformedJson(String detail, String expected) {
        return new Problem(400, "malformed_json", detail, null, null, expected);
    }

    /**
     * A field has a value that the contract does not allow.
     *
     * @param field the dotted path
     * @param value the value
     * @param detail one sentence for people
     * @param expected what would be right
     * @return a 400 {@code invalid_field}
     */
    public static Problem invalidField(String field, JsonNode value, String detail, String expected) {
        return new Problem(400, "invalid_field", detail, field, value, expected);
    }

    /**
     * A field that the contract does not know.
     *
     * @param field the dotted path
     * @param value the value it came with
     * @param detail one sentence for people
     * @param expected the name that was probably meant, or the known names
     * @return a 400 {@code unknown_field}
     */
    public static Problem unknownField(String field, JsonNode value, String detail, String expected) {
        return new Problem(400, "unknown_field", detail, field, value, expected);
    }

    /**
     * A required field is absent.
     *
     * @param field the dotted path
     * @param detail one sentence for people
     * @param expected what would be right
     * @return a 400 {@code missing_field}
     */
    public static Problem missingField(String field, String detail, String expected) {
        return new Problem(400, "missing_field", detail, field, null, expected);
    }

    /**
     * The body came as something other than JSON.
     *
     * @param contentType the media type it came as, or null when none was said
     * @return a 415 {@code unsupported_media_type}
     */
    public static Problem unsupportedMediaType(String contentType) {
        JsonNode value = contentType == null ? null : JsonNodeFactory.instance.textNode(contentType);
        String given = value == null ? "The body has no Content-Type" : "Content-Type is " + Wording.quoted(value);
        String expected = "application/json, in UTF-8";
        return new Problem(
                415,
                "unsupported_media_type",
                given + "; it must be " + expected + ".",
                "Content-Type",
                value,
                expected);
    }

    /**
     * No operation has this path or this name.
     *
     * @param asked the path or name
     * @param nearest the known one that was probably meant, if any
     * @return a 404 {@code no_such_operation}
     */
    public static Problem noSuchOperation(String asked, Optional<String> nearest) {
        JsonNode value = JsonNodeFactory.instance.textNode(asked);
        String hint = nearest.map(name -> "; " + Nearest.question(name)).orElse(".");
        String detail = "There is no operation " + Wording.quoted(value) + hint;
        return new Problem(404, "no_such_operation", detail, null, value, nearest.orElse(null));
    }

    /**
     * The path is known, but not with this method.
     *
     * @param method the HTTP method that was used
     * @param path the path
     * @param allowed the methods the path has, in the contract's order
     * @return a 405 {@code method_not_allowed}; {@link #expected()} is the value of an Allow header
     */
    public static Problem methodNotAllowed(String method, String path, Collection<String> allowed) {
        String expected = String.join(", ", allowed);
        JsonNode value = JsonNodeFactory.instance.textNode(method);
        String where = Wording.quoted(JsonNodeFactory.instance.textNode(path));
        String detail = where + " has no method " + Wording.quoted(value) + "; it has " + expected + ".";
        return new Problem(405, "method_not_allowed", detail, null, value, expected);
    }

    /**
     * Too many calls have come; one that comes later is let in.
     *
     * @param code the stable code
     * @param detail one sentence for people
     * @param expected what would be right
     * @param retryAfterSeconds when to call again, in seconds from now
     * @return a 429
     */
    public static Problem tooMany(String code, String detail, String expected, long retryAfterSeconds) {
        return new Problem(429, code, detail, null, null, expected, retryAfterSeconds);
    }

    /**
     * Reads a problem that another process has answered.
     *
     * @param status the status of that answer
     * @param body its body
     * @return the problem, or empty when the body is none
     */
    public static Optional<Problem> fromJson(int status, JsonNode body) {
        if (!body.path("code").isTextual() || !body.path("detail").isTextual()) {
            return Optional.empty();
        }
        return Optional.of(new Problem(
                status,
                body.path("code").textValue(),
                body.path("detail").textValue(),
                body.path("field").textValue(),
                body.get("value"),
                body.path("expected").textValue()));
    }

    /** The HTTP status. */
    public int status() {
        return status;
    }

    /** The stable code. */
    public String code() {
        return code;
    }

    /** One sentence for people. */
    public String detail() {
        return getMessage();
    }

    /** The dotted path of the field at fault, or null. */
    public String field() {
        return field;
    }

    /** The refused value, shortened when long, or null. */
    public JsonNode value() {
        return value;
    }

    /** What would be right, or null. */
    public String expected() {
        return expected;
    }

    /** When to call again, in seconds; 0 where that is no answer. Also the value of a Retry-After header. */
    public long retryAfterSeconds() {
        return retryAfterSeconds;
    }

    /** The problem as the body of an {@code application/problem+json} answer; absent parts are left out. */
    public ObjectNode toJson() {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("type", TYPE_PREFIX + code);
        json.put("title", title());
        json.put("status", status);
        json.put("code", code);
        json.put("detail", detail());
        if (field != null) {
            json.put("field", field);
        }
        if (value != null) {
            json.set("value", value);
        }
        if (expected != null) {
            json.put("expected", expected);
        }
        if (retryAfterSeconds > 0) {
            json.put("retryAfterSeconds", retryAfterSeconds);
        }
        return json;
    }

    private String title() {
        String words = code.replace('_', ' ').replace("json", "JSON");
        return Character.toUpperCase(words.charAt(0)) + words.substring(1);
    }
}
