package agentbus.console;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.settings.StartFailure;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The scripts of the console's start become one, and the other scripts take theirs from it. */
class JoinedScriptsTest {
    private static final String LIB =
            """
            /**
             * The library in one place.
             */
            import { h } from "./library.js";

            export { h };
              // As in "//".
            export const twice = (text) => text + text;
            """;
    private static final String START =
            """
            import {
              h as make,
              twice,
            } from "./lib.js";
            import "./side-effect.js";

            export default function Start() {
              return import("./later.js");
            }
            """;
    private static final String LATER =
            """
            import { twice as double } from "./lib.js";
            import { other } from "./other.js";
            const again = () => import("./start-page.js");
            """;

    private static Map<String, String> scripts() {
        return new TreeMap<>(Map.of(
                "library.js",
                "const n = 1;\nexport { n as h, n as render };\n",
                "lib.js",
                LIB,
                "start-page.js",
                START,
                "later.js",
                LATER,
                "other.js",
                "export const other = 1;\n",
                "side-effect.js",
                "twice();\n"));
    }

    private static Map<String, String> joined(Map<String, String> scripts) {
        return new JoinedScripts(scripts, List.of("start-page.js")).files();
    }

    private static String refusal(Map<String, String> scripts) {
        return assertThrows(StartFailure.class, () -> joined(scripts)).getMessage();
    }

    @Test
    void each_file_of_the_start_is_a_function_behind_those_that_it_imports() {
        assertEquals(
                """
                const $library = (() => { const n = 1;


                return { h: n, render: n }; })();
                const $lib = (() => {\s


                const { h } = $library;



                const twice = (text) => text + text;

                return { twice, h }; })();
                const $side_effect = (() => { twice();

                return {  }; })();
                const $start_page = (() => { const {
                  h: make,
                  twice,
                } = $lib;
                const {} = $side_effect;

                function Start() {
                  return import("./later.js");
                }

                return { default: Start }; })();
                export { $library, $lib, $side_effect, $start_page };
                //# sourceMappingURL=start.js.map
                """,
                joined(scripts()).get(JoinedScripts.NAME));
    }

    @Test
    void another_file_takes_what_is_joined_from_the_joined_script_so_that_there_is_one_copy() {
        Map<String, String> files = joined(scripts());

        assertEquals(Set.of("start.js", "start.js.map", "later.js", "other.js"), files.keySet());
        assertEquals(
                """
                import { $lib, $start_page } from "./start.js"; const { twice: double } = $lib;
                import { other } from "./other.js";
                const again = () => Promise.resolve($start_page);
                """,
                files.get("later.js"));
        assertEquals("export const other = 1;\n", files.get("other.js"));
    }

    @Test
    void the_source_map_leads_from_each_line_of_the_joined_script_to_its_file() throws IOException {
        Map<String, String> files = joined(scripts());
        List<String> lines = files.get(JoinedScripts.NAME).lines().toList();

        JsonNode sections = Json.read(files.get("start.js.map")).path("sections");
        assertEquals(4, sections.size());
        for (JsonNode section : sections) {
            String source = section.at("/map/sources/0").asText();
            int line = section.at("/offset/line").asInt();
            assertTrue(lines.get(line).startsWith("const $"), lines.get(line));
            assertEquals(
                    scripts().get(source).lines().count(),
                    section.at("/map/mappings").asText().split(";").length - 1);
        }
        int last = sections.path(3).at("/offset/line").asInt();
        assertEquals(START.lines().toList().get(7), lines.get(last + 7));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "export let count = 0;\n",
                "export * from \"./lib.js\";\n",
                "import * as all from \"./lib.js\";\n",
                "export { twice as double, };\n",
                "import { h } from \"preact\";\n",
                "export default class extends Object {}\n",
                "await 1;\n"
            })
    void a_form_that_cannot_be_joined_is_refused_with_the_line(String line) {
        Map<String, String> scripts = scripts();
        scripts.put("side-effect.js", line);

        assertEquals(
                "console/side-effect.js: it cannot be joined into start.js because of: " + line.strip(),
                refusal(scripts));
    }

    @Test
    void files_that_import_each_other_and_files_that_are_missing_are_refused() {
        Map<String, String> scripts = scripts();
        scripts.put("lib.js", "import { Start } from \"./start-page.js\";\n");
        assertEquals("console/start-page.js: it imports itself by way of [start-page.js, lib.js]", refusal(scripts));

        scripts.put("lib.js", "import { gone } from \"./gone.js\";\n");
        assertEquals(
                "console/gone.js: it is not there, and is imported by way of [start-page.js, lib.js]",
                refusal(scripts));
    }

    @Test
    void a_name_that_the_joined_file_does_not_export_is_refused_as_the_browser_would() {
        Map<String, String> scripts = scripts();
        scripts.put("later.js", "import { twice, thrice } from \"./lib.js\";\n");
        assertEquals("console/later.js: lib.js does not export thrice", refusal(scripts));

        scripts.put("start-page.js", "import { made as twice } from \"./lib.js\";\n");
        assertEquals("console/start-page.js: lib.js does not export made", refusal(scripts));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "export { twice } from \"./lib.js\";",
                "export * from \"./lib.js\";",
                "import * as lib from \"./lib.js\";",
                "import Start from \"./start-page.js\";"
            })
    void a_form_that_would_load_a_second_copy_of_a_joined_file_is_refused(String line) {
        Map<String, String> scripts = scripts();
        scripts.put("later.js", line + "\n");

        assertEquals(
                "console/later.js: it cannot take from start.js: " + line.substring(0, line.length() - 1),
                refusal(scripts));
    }
}
