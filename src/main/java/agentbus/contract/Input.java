package agentbus.contract;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * One field of an operation's input.
 *
 * @param name its name in camel case, the same at every door
 * @param in its part of an HTTP request
 * @param schema its JSON Schema with references resolved; must not be changed
 * @param required whether it is required
 * @param defaultValue its value when absent, or null
 * @param description its description for people
 */
public record Input(
        String name, In in, ObjectNode schema, boolean required, JsonNode defaultValue, String description) {
    /** The parts of an HTTP request that carry inputs. */
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

    /** The name in kebab case, for the command line. */
    public String kebabName() {
        return Names.kebab(name);
    }

    /** The rule for the value in words that continue "must be". */
    public String expected() {
        return Wording.expected(schema);
    }
}
