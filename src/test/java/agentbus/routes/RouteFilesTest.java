package agentbus.routes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import com.networknt.schema.JsonMetaSchema;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.NonValidationKeyword;
import com.networknt.schema.SpecVersion;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every route file is valid, begins with a description, and names its routes and its external steps. */
class RouteFilesTest {
    private static final Path ROUTES = Path.of("src/main/resources/routes");
    private static final Pattern KEBAB = Pattern.compile("[a-z0-9]+(-[a-z0-9]+)*");
    /** Schemes of steps that leave the process; metrics, advice and dumps find such a step by its id. */
    private static final List<String> EXTERNAL = List.of("sql:", "http:", "https:", "mustache:", "{{");

    private static JsonSchema schema;

    @BeforeAll
    static void loadSchema() throws IOException {
        JsonMetaSchema draft4 = JsonMetaSchema.getV4();
        JsonSchemaFactory factory = JsonSchemaFactory.builder(JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V4))
                .metaSchema(JsonMetaSchema.builder(draft4.getIri(), draft4)
                        .keyword(new NonValidationKeyword("deprecated"))
                        .build())
                .build();
        try (InputStream in = RouteFilesTest.class.getResourceAsStream("/schema/camelYamlDsl.json")) {
            schema = factory.getSchema(in);
        }
    }

    static Stream<Path> files() throws IOException {
        try (Stream<Path> files = Files.walk(ROUTES)) {
            return files.filter(file -> file.toString().endsWith(".camel.yaml")).sorted().toList().stream();
        }
    }

    static Stream<JsonNode> routes() throws IOException {
        return files().flatMap(RouteFilesTest::routesOf);
    }

    static Stream<JsonNode> routesOf(Path file) {
        // Routes inside templates are left out, because they get their ids later.
        return StreamSupport.stream(read(file).spliterator(), false)
                .map(element -> element.path("route"))
                .filter(JsonNode::isObject);
    }

    @ParameterizedTest
    @MethodSource("files")
    void a_file_is_valid_by_the_schema_of_this_camel(Path file) throws IOException {
        assertEquals(List.of(), complaints(read(file)));
    }

    @ParameterizedTest
    @MethodSource("files")
    void no_route_asks_the_camel_context_because_each_such_expression_slows_the_start(Path file) throws IOException {
        assertFalse(Files.readString(file).contains("${camelContext."), "use the bean lifecycle");
    }

    @Test
    void the_schema_finds_a_wrong_key_and_a_wrong_step() throws IOException {
        JsonNode file = read(ROUTES.resolve("phase-1-spine/dispatch/wake-dispatch.camel.yaml"));
        String text = Json.text(file);
        assertFalse(
                complaints(Json.read(text.replace("\"steps\"", "\"stepps\""))).isEmpty());
        assertFalse(complaints(Json.read(text.replace("\"to\"", "\"too\""))).isEmpty());
    }

    @ParameterizedTest
    @MethodSource("files")
    void a_file_begins_by_saying_what_it_is(Path file) throws IOException {
        assertTrue(Files.readString(file).startsWith("# "), file + " has no comment on its first line");
    }

    @ParameterizedTest
    @MethodSource("routes")
    void a_route_has_a_kebab_case_id_and_one_sentence_of_description(JsonNode route) {
        String id = route.path("id").asText();
        assertTrue(KEBAB.matcher(id).matches(), () -> "the id '" + id + "' is not kebab-case");
        String description = route.path("description").asText();
        assertTrue(description.matches("[A-Z].*\\."), () -> id + " is described as '" + description + "'");
    }

    @ParameterizedTest
    @MethodSource("routes")
    void a_step_that_leaves_the_process_has_an_id(JsonNode route) {
        List<JsonNode> steps = new ArrayList<>(route.findValues("to"));
        steps.addAll(route.findValues("toD"));
        for (JsonNode step : steps) {
            String uri = step.isTextual() ? step.asText() : step.path("uri").asText();
            if (EXTERNAL.stream().anyMatch(uri::startsWith)) {
                assertTrue(
                        KEBAB.matcher(step.path("id").asText()).matches(),
                        () -> route.path("id").asText() + ": the step " + uri + " has no id");
            }
        }
    }

    @Test
    void ids_are_unique_over_all_files() throws IOException {
        Set<String> seen = new HashSet<>();
        routes().forEach(route -> assertTrue(seen.add(route.path("id").asText()), () -> "twice: " + route.path("id")));
        assertTrue(seen.size() >= 15, seen::toString);
    }

    @Test
    void every_sql_file_that_a_route_names_is_there() throws IOException {
        Pattern named = Pattern.compile("sql:classpath:(sql/[a-z/-]+\\.sql)");
        for (Path file : files().toList()) {
            var names = named.matcher(Files.readString(file));
            while (names.find()) {
                assertTrue(Files.exists(Path.of(names.group(1))), file + " names " + names.group(1));
            }
        }
    }

    @Test
    void a_statement_lies_in_the_folder_of_the_route_file_that_calls_it() throws IOException {
        Pattern named = Pattern.compile("sql:classpath:sql/statements/([a-z-]+)/");
        for (Path file : files().toList()) {
            var folders = named.matcher(Files.readString(file));
            while (folders.find()) {
                assertEquals(name(file), folders.group(1), () -> "the folder of a statement that " + file + " calls");
            }
        }
    }

    @Test
    void an_error_configuration_says_what_it_does() throws IOException {
        Set<String> descriptions = new HashSet<>();
        for (Path file : files().toList()) {
            for (JsonNode element : read(file)) {
                JsonNode configuration = element.path("routeConfiguration");
                if (configuration.isObject()) {
                    String description = configuration.path("description").asText();
                    assertTrue(
                            description.matches("[A-Z].*\\."), () -> file + " describes one as '" + description + "'");
                    descriptions.add(description);
                }
            }
        }
        assertEquals(3, descriptions.size(), descriptions::toString);
    }

    /** One default stands in errors.camel.yaml. */
    @ParameterizedTest
    @MethodSource("routes")
    void a_route_has_no_error_handler_of_its_own(JsonNode route) {
        assertTrue(route.path("errorHandler").isMissingNode(), () -> route.path("id") + " has an errorHandler");
    }

    @ParameterizedTest
    @MethodSource("routes")
    void a_choice_has_two_branches(JsonNode route) {
        for (JsonNode choice : route.findValues("choice")) {
            int branches = choice.path("when").size() + (choice.has("otherwise") ? 1 : 0);
            assertTrue(branches > 1, () -> route.path("id").asText() + " has a choice of one branch; use a filter");
        }
    }

    @Test
    void every_route_file_and_every_variable_is_in_the_guide() throws IOException {
        String guide = Files.readString(Path.of("docs/guide/routes.md"));
        Pattern variable = Pattern.compile("variable\\.([a-zA-Z]+)|setVariable:\\s+name: ([a-zA-Z]+)");
        for (Path file : files().toList()) {
            if (!file.toString().contains("/phase-") || file.toString().contains("phase-1")) {
                // The guide names the standing orders of an agent by their folder.
                assertTrue(guide.contains(name(file)), () -> "docs/guide/routes.md does not name " + name(file));
            }
            var used = variable.matcher(Files.readString(file));
            while (used.find()) {
                String name = used.group(1) == null ? used.group(2) : used.group(1);
                assertTrue(
                        guide.contains("\n| `" + name + "` |"),
                        () -> "docs/guide/routes.md does not say what the variable " + name + " of " + file + " holds");
            }
        }
    }

    private static String name(Path file) {
        return file.getFileName().toString().replace(".camel.yaml", "");
    }

    private static List<String> complaints(JsonNode file) {
        return schema.validate(file).stream()
                .map(message -> message.getInstanceLocation() + ": " + message.getMessage())
                // The schema wants a boolean; Camel also accepts a placeholder.
                .filter(message -> !(message.contains("autoStartup") && message.contains("boolean expected")))
                .toList();
    }

    private static JsonNode read(Path file) {
        try {
            return Json.yaml().readTree(Files.readAllBytes(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
