package agentbus.contract;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * One field of an operation's input.
 *
 * @param name its name in camel case, the same through every door
 * @param in where HTTP carries it
 * @param schema its JSON Schema, without references; not to be changed
 * @param required whether the operation needs it
 * @param defaultValue what stands for it when absent, or null
 * @param description what it is, for people
 */
public record Input(
        String name, In in, ObjectNode schema, boolean required, JsonNode defaultValue, String description) {
    /** Where HTTP carries an input. */
    public enum In {
        /** A segment of the path. */
        PATH,
        /** A query parameter. */
        QUERY,
        /** A field of the JSON body. */
        BODY
    }

    /** The JSON Schema type: string, integer, number, boolean, array or object. */
    public String type() {
        return schema.path("type").asText("string");
    }

    /** The name in kebab case, as the command line has it. */
    public String kebabName() {
        return Names.kebab(name);
    }

    /** What the value must be, in words that go on after "must be". */
    public String expected() {
        return Wording.expected(schema);
    }
}
