package agentbus.contract;

import agentbus.text.Nearest;
import agentbus.text.WholeText;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Collection;
import java.util.Optional;

/**
 * A refusal in the form of RFC 9457: the fault, the value, and the rule. The code that detects the fault throws it, and
 * the door turns it into an answer. A problem has no stack trace, because a refused request is not a defect.
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
     * A problem with all parts except a time to wait.
     *
     * @param status the HTTP status, 400 to 599
     * @param code the stable code, one of {@code Problem.code} in the contract
     * @param detail one sentence for people
     * @param field the dotted path of the wrong field, or null
     * @param value the refused value, or null; a long one is shortened
     * @param expected the rule, or null
     */
    public Problem(int status, String code, String detail, String field, JsonNode value, String expected) {
        this(status, code, detail, field, value, expected, 0, null);
    }

    private Problem(
            int status,
            String code,
            String detail,
            String field,
            JsonNode value,
            String expected,
            long retryAfterSeconds,
            Throwable cause) {
        super(WholeText.withoutHalves(detail), cause, false, false);
        this.status = status;
        this.code = code;
        this.field = field == null ? null : WholeText.withoutHalves(field);
        this.value = value == null ? null : Wording.shortened(value);
        this.expected = expected;
        this.retryAfterSeconds = retryAfterSeconds;
    }

    /**
     * The same problem with the exception that it was made of, for a caller within the program.
     *
     * @param failure the exception
     * @return a problem with that cause
     */
    public Problem causedBy(Throwable failure) {
        return new Problem(status, code, getMessage(), field, value, expected, retryAfterSeconds, failure);
    }

    /**
     * A problem without a field.
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
     * The problem of a body that is not one JSON object.
     *
     * @param detail the fault, with line and column
     * @param expected the rule
     * @return a 400 {@code malformed_json}
     */
    public static Problem malformedJson(String detail, String expected) {
        return new Problem(400, "malformed_json", detail, null, null, expected);
    }

    /**
     * The problem of a field with a value that the contract does not allow.
     *
     * @param field the dotted path
     * @param value the value
     * @param detail one sentence for people
     * @param expected the rule
     * @return a 400 {@code invalid_field}
     */
    public static Problem invalidField(String field, JsonNode value, String detail, String expected) {
        return new Problem(400, "invalid_field", detail, field, value, expected);
    }

    /**
     * The problem of an unknown field.
     *
     * @param field the dotted path
     * @param value the field's value
     * @param detail one sentence for people
     * @param expected the nearest known name, or all known names
     * @return a 400 {@code unknown_field}
     */
    public static Problem unknownField(String field, JsonNode value, String detail, String expected) {
        return new Problem(400, "unknown_field", detail, field, value, expected);
    }

    /**
     * The problem of an absent required field.
     *
     * @param field the dotted path
     * @param detail one sentence for people
     * @param expected the rule
     * @return a 400 {@code missing_field}
     */
    public static Problem missingField(String field, String detail, String expected) {
        return new Problem(400, "missing_field", detail, field, null, expected);
    }

    /**
     * The problem of a body with a media type other than JSON.
     *
     * @param contentType the body's media type, or null
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
     * The problem of an unknown path or operation.
     *
     * @param asked the path or name
     * @param nearest the nearest known path or name, if any
     * @return a 404 {@code no_such_operation}
     */
    public static Problem noSuchOperation(String asked, Optional<String> nearest) {
        JsonNode value = JsonNodeFactory.instance.textNode(asked);
        String hint = nearest.map(name -> "; " + Nearest.question(name)).orElse(".");
        String detail = "There is no operation " + Wording.quoted(value) + hint;
        return new Problem(404, "no_such_operation", detail, null, value, nearest.orElse(null));
    }

    /**
     * The problem of a known path with a method that it does not have.
     *
     * @param method the HTTP method of the request
     * @param path the path
     * @param allowed the methods of the path, in the contract's order
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
     * The problem of too many calls; a later call succeeds.
     *
     * @param code the stable code
     * @param detail one sentence for people
     * @param expected the rule
     * @param retryAfterSeconds the time to wait before the next call, in seconds
     * @return a 429
     */
    public static Problem tooMany(String code, String detail, String expected, long retryAfterSeconds) {
        return new Problem(429, code, detail, null, null, expected, retryAfterSeconds, null);
    }

    /**
     * The problem of a bus that cannot answer at the moment; the call has changed nothing, and a later one succeeds.
     *
     * @param detail one sentence for people
     * @param retryAfterSeconds the time to wait before the next call, in seconds
     * @return a 503 {@code unavailable}
     */
    public static Problem unavailable(String detail, long retryAfterSeconds) {
        return new Problem(503, "unavailable", detail, null, null, null, retryAfterSeconds, null);
    }

    /**
     * Reads a problem from another process's answer.
     *
     * @param status the status of that answer
     * @param body its body
     * @return the problem, or empty when the body is not a problem
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

    /** The dotted path of the wrong field, or null. */
    public String field() {
        return field;
    }

    /** The refused value, or null; a long one is shortened. */
    public JsonNode value() {
        return value;
    }

    /** The rule, or null. */
    public String expected() {
        return expected;
    }

    /** The time to wait before the next call, in seconds, for the header Retry-After; 0 if waiting does not help. */
    public long retryAfterSeconds() {
        return retryAfterSeconds;
    }

    /** The body of an {@code application/problem+json} answer, without absent parts. */
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
