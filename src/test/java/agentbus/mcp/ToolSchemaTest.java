package agentbus.mcp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import agentbus.text.Json;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What is left of an input's schema in the list of tools. */
class ToolSchemaTest {
    private static final String TOKEN = "'token':{'type':'string','description':'attempt token'}";

    private static ObjectNode schema(String properties, String required) {
        try {
            return (ObjectNode) Json.read(("{'type':'object','properties':" + properties + ",'required':" + required
                            + ",'additionalProperties':false}")
                    .replace('\'', '"'));
        } catch (com.fasterxml.jackson.core.JsonProcessingException wrong) {
            throw new IllegalArgumentException(properties, wrong);
        }
    }

    private static String of(ObjectNode input, String... fields) {
        return ToolSchema.of(input, List.of(fields)).toString().replace('"', '\'');
    }

    @Test
    void names_types_and_choices_stay_and_limits_go() {
        ObjectNode input = schema(
                "{'a':{'type':'string','pattern':'^x$','maxLength':3,'description':'d','enum':['x','y'],'x-expected':'e'},"
                        + "'b':{'type':'integer','minimum':1,'default':5},'c':{'type':'string','format':'date-time'}}",
                "['a']");

        assertEquals(
                "{'type':'object','properties':{" + TOKEN + ",'a':{'type':'string','enum':['x','y']},"
                        + "'b':{'type':'integer'},'c':{'type':'string','format':'date-time'}},'required':['token','a']}",
                of(input, "a", "b", "c"));
        assertEquals(
                "{'type':'object','properties':{" + TOKEN + ",'b':{'type':'integer'}},'required':['token']}",
                of(input, "b"));
    }

    @Test
    void an_object_is_shown_whole_or_by_the_fields_that_are_named() {
        ObjectNode input = schema(
                "{'o':{'type':'object','minProperties':1,'properties':{'a':{'type':'string'},'b':{'type':'string'}}},"
                        + "'l':{'type':'array','maxItems':9,'items':{'type':'object','required':['a','b'],"
                        + "'properties':{'a':{'type':'string'},'b':{'type':'string'}}}}}",
                "[]");

        assertEquals(
                "{'type':'object','properties':{" + TOKEN
                        + ",'o':{'type':'object','properties':{'a':{'type':'string'},'b':{'type':'string'}}},"
                        + "'l':{'type':'array','items':{'type':'object','properties':{'b':{'type':'string'}},'required':['b']}}},"
                        + "'required':['token']}",
                of(input, "o", "l.b"));
    }

    @Test
    void a_field_that_there_is_not_is_a_fault_of_the_contract() {
        ObjectNode input = schema("{'a':{'type':'string'}}", "[]");

        assertThrows(IllegalStateException.class, () -> of(input, "b"));
        assertThrows(IllegalStateException.class, () -> of(input, "a.b"));
        assertThrows(IllegalStateException.class, () -> of(schema("{'token':{'type':'string'}}", "[]")));
    }
}
