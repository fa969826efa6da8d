package agentbus.contract;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.JsonMetaSchema;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SchemaValidatorsConfig;
import com.networknt.schema.ValidationMessage;
import com.networknt.schema.regex.RegularExpression;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;

/**
 * The schema of one operation's whole input. It is compiled at its first check, because a command checks one operation and
 * help none. Thread-safe.
 */
final class InputSchema {
    private static final Set<String> ANNOTATIONS = Set.of("description", "default", "title", "examples");

    /** Chosen: no pattern of the contract accepts a longer text, and each repetition of a group uses stack. */
    static final int LONGEST_MATCHED = 1000;

    private final ObjectNode schema;
    private volatile JsonSchema compiled;
    private final ListSizes sizes;
    private final Normalizer normalizer;

    /**
     * A schema.
     *
     * @param schema an object schema with references resolved
     */
    InputSchema(ObjectNode schema) {
        this.schema = schema;
        this.sizes = new ListSizes(schema);
        this.normalizer = new Normalizer(schema);
    }

    private JsonSchema compiled() {
        JsonSchema known = compiled;
        if (known == null) {
            // Two threads may both compile it; either result serves.
            known = compile();
            compiled = known;
        }
        return known;
    }

    private JsonSchema compile() {
        JsonMetaSchema dialect = JsonMetaSchema.builder(JsonMetaSchema.getV202012())
                .format(new DateTimeFormat())
                .build();
        JsonSchemaFactory factory = JsonSchemaFactory.builder()
                .defaultMetaSchemaIri(dialect.getIri())
                .metaSchema(dialect)
                .build();
        SchemaValidatorsConfig config = SchemaValidatorsConfig.builder()
                .formatAssertionsEnabled(true)
                .preloadJsonSchema(true)
                .regularExpressionFactory(InputSchema::pattern)
                .build();
        JsonSchema made = factory.getSchema(assertions(schema), config);
        made.initializeValidators();
        return made;
    }

    /**
     * Checks an input and adds the defaults to it.
     *
     * @param input the whole input; changed in place
     * @param naming turns a dotted path into the caller's name for the field, for the messages
     * @return the same object
     * @throws Problem unknown_field, missing_field or invalid_field, in this order of precedence
     */
    ObjectNode check(ObjectNode input, UnaryOperator<String> naming) {
        sizes.check("", input, naming);
        Storable.check(input, naming);
        Set<ValidationMessage> messages = compiled().validate(input);
        if (!messages.isEmpty()) {
            throw worst(messages, input, naming);
        }
        normalizer.apply(input);
        return input;
    }

    // In Java, $ also matches before a final line break; in the contract it matches only the end.
    private static RegularExpression pattern(String regex) {
        Pattern pattern = Pattern.compile(regex.endsWith("$") ? regex.substring(0, regex.length() - 1) + "\\z" : regex);
        return text -> text.length() <= LONGEST_MATCHED && pattern.matcher(text).find();
    }

    // A misspelt name often causes two findings, an unknown and a missing field; the one about the unknown field is
    // more useful.
    private Problem worst(Set<ValidationMessage> messages, ObjectNode input, UnaryOperator<String> naming) {
        List<ValidationMessage> ordered = new ArrayList<>(messages);
        ordered.sort(Comparator.comparingInt(InputSchema::rank));
        return new Findings(schema, input, naming).problem(ordered.get(0));
    }

    private static int rank(ValidationMessage message) {
        switch (message.getType()) {
            case "additionalProperties":
                return 0;
            case "required":
                return 1;
            default:
                return 2;
        }
    }

    /** The schema without descriptions and extensions, which the validator does not know and need not evaluate. */
    private static ObjectNode assertions(JsonNode schema) {
        ObjectNode stripped = schema.deepCopy();
        stripped.remove(ANNOTATIONS);
        List<String> extensions = new ArrayList<>();
        stripped.fieldNames().forEachRemaining(name -> {
            if (name.startsWith("x-")) {
                extensions.add(name);
            }
        });
        stripped.remove(extensions);
        if (stripped.get("properties") instanceof ObjectNode properties) {
            properties.properties().forEach(property -> property.setValue(assertions(property.getValue())));
        }
        for (String nested : List.of("items", "not")) {
            if (stripped.get(nested) instanceof ObjectNode inner) {
                stripped.set(nested, assertions(inner));
            }
        }
        return stripped;
    }
}
