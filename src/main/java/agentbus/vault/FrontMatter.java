package agentbus.vault;

import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLGenerator;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.util.Collection;

/**
 * The fields of a note that programs read, such as Dataview, in their order. The YAML library writes them and quotes
 * every text, so that no text can become a field, a type or a second document.
 */
final class FrontMatter {
    private static final ObjectWriter WRITER = YAMLMapper.builder()
            .disable(YAMLGenerator.Feature.WRITE_DOC_START_MARKER)
            .disable(YAMLGenerator.Feature.SPLIT_LINES)
            .enable(YAMLGenerator.Feature.ALWAYS_QUOTE_NUMBERS_AS_STRINGS)
            .build()
            .writer();

    private final ObjectNode fields = Json.object();

    /**
     * Adds a text.
     *
     * @param name the field
     * @param text any text, made safe here; null or an empty one adds nothing
     * @return this
     */
    FrontMatter with(String name, String text) {
        if (text != null && !text.isEmpty()) {
            fields.put(name, Escaping.data(text));
        }
        return this;
    }

    /** Adds a number. */
    FrontMatter with(String name, long number) {
        fields.put(name, number);
        return this;
    }

    /** Adds a list of texts; an empty one adds nothing. */
    FrontMatter with(String name, Collection<String> texts) {
        if (!texts.isEmpty()) {
            texts.forEach(text -> fields.withArray(name).add(Escaping.data(text)));
        }
        return this;
    }

    /** The fields as YAML, each on a line that ends with a line break. */
    String yaml() {
        try {
            return WRITER.writeValueAsString(fields);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("texts, numbers and lists of texts are YAML", e);
        }
    }
}
