package agentbus.docs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.contract.Contract;
import agentbus.contract.Operation;
import agentbus.contract.Tool;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The guides' tables of operations, tools, problem codes, settings and route files say what the program has, and all of it. */
class ReferenceTablesTest {
    private static final Contract CONTRACT = Contract.load();
    private static final Path SETTINGS = Path.of("src/main/resources/application.properties");

    @Test
    void the_table_of_operations_is_the_contract() {
        List<String> expected = new ArrayList<>();
        for (Operation operation : CONTRACT.operations()) {
            expected.add("| `%s` | `%s %s` | %s | %s |"
                    .formatted(
                            operation.kebabName(),
                            operation.method(),
                            operation.path(),
                            String.join(", ", operation.principals()),
                            operation.summary()));
        }
        List<String> documented = rows("docs/guide/http-and-cli.md", "Operations");
        List<String> missing = new ArrayList<>(expected);
        missing.removeAll(documented);
        List<String> unknown = new ArrayList<>(documented);
        unknown.removeAll(expected);
        assertEquals(List.of(), missing, "rows that are missing");
        assertEquals(List.of(), unknown, "rows that no operation has");
        assertEquals(expected, documented, "the order of the contract");
    }

    @Test
    void the_table_of_mcp_tools_is_the_contract() {
        List<String> expected = new ArrayList<>();
        for (Operation operation : CONTRACT.operations()) {
            operation
                    .tool()
                    .map(Tool::name)
                    .ifPresent(name -> expected.add("| `%s` | %s | %s |"
                            .formatted(name, operation.id(), String.join(", ", operation.principals()))));
        }
        List<String> documented = rows("docs/guide/mcp.md", "MCP tools");
        assertEquals(new TreeSet<>(expected), new TreeSet<>(documented));
    }

    @Test
    void the_table_of_problems_has_every_code_of_the_contract_and_no_other() {
        Set<String> promised = new TreeSet<>();
        CONTRACT.document()
                .at("/components/schemas/Problem/properties/code/enum")
                .forEach(code -> promised.add(code.asText()));
        assertEquals(promised, documentedCodes().keySet());
    }

    @Test
    void the_table_of_problems_has_every_status_that_sql_refuses_with() {
        Map<String, Set<String>> documented = documentedCodes();
        List<String[]> refusals = Pattern.compile("refuse\\(\\s*(\\d{3}),\\s*'(\\w+)'")
                .matcher(SourceFiles.text("sql", ".sql"))
                .results()
                .map(found -> new String[] {found.group(1), found.group(2)})
                .toList();
        assertTrue(refusals.size() > 20, refusals.size() + " refusals found in sql");
        for (String[] refusal : refusals) {
            Set<String> statuses = documented.getOrDefault(refusal[1], Set.of());
            assertTrue(
                    statuses.contains(refusal[0]), refusal[1] + " is refused with " + refusal[0] + ", not " + statuses);
        }
    }

    /** The statuses of each code, by the table of problems. */
    private static Map<String, Set<String>> documentedCodes() {
        Map<String, Set<String>> statuses = new TreeMap<>();
        for (List<String> row : MarkdownPage.read("docs/guide/http-and-cli.md").table("Problems")) {
            for (String code : MarkdownPage.code(row.get(1))) {
                statuses.computeIfAbsent(code, first -> new TreeSet<>())
                        .addAll(List.of(row.get(0).split(", ")));
            }
        }
        return statuses;
    }

    @Test
    void every_setting_that_is_read_is_in_the_file_and_every_one_in_the_file_is_read() {
        Set<String> known = settings().keySet();
        String java = SourceFiles.below("src/main/java", ".java").stream()
                .filter(file -> !file.endsWith("SettingsTable.java"))
                .map(SourceFiles::text)
                .collect(Collectors.joining("\n"));
        Set<String> read = Pattern.compile("\"(agentbus(\\.[a-z-]+){1,3})\"")
                .matcher(java)
                .results()
                .map(found -> found.group(1))
                .collect(Collectors.toCollection(TreeSet::new));
        read.removeAll(Meters.names());
        // File names, and a system property of the benchmark's child process.
        read.removeAll(Set.of("agentbus.openapi.yaml", "agentbus.properties", "agentbus.server-options"));
        Pattern.compile("\\{\\{\\??(agentbus\\.[a-z.-]+)")
                .matcher(SourceFiles.text("src/main/resources", ".yaml", ".properties"))
                .results()
                .forEach(found -> read.add(found.group(1)));
        // Named gateways have the same settings; Java reads both by the last part of the name.
        known.stream()
                .filter(key -> key.startsWith("agentbus.gateway."))
                .filter(key -> java.contains('"' + key.substring("agentbus.gateway".length()) + '"')
                        || java.contains('"' + key.substring("agentbus.gateway.".length()) + '"'))
                .forEach(read::add);
        assertEquals(new TreeSet<>(known), read);
    }

    static Map<String, String> settings() {
        Map<String, String> settings = new LinkedHashMap<>();
        SourceFiles.text(SETTINGS)
                .lines()
                .filter(line -> line.startsWith("agentbus."))
                .forEach(line -> settings.put(
                        line.substring(0, line.indexOf('=')),
                        line.substring(line.indexOf('=') + 1).strip()));
        return settings;
    }

    @Test
    void the_list_of_route_files_is_what_lies_on_disk() {
        Set<String> onDisk = new TreeSet<>();
        Set<String> ofAgents = new TreeSet<>();
        for (Path file : SourceFiles.below("src/main/resources/routes", ".camel.yaml")) {
            String name = file.getFileName().toString().replace(".camel.yaml", "");
            // The standing orders of each agent have a file in each phase; the guide names the folder.
            (Files.isDirectory(Path.of("agents", name)) ? ofAgents : onDisk).add(name);
        }
        Set<String> listed = new TreeSet<>();
        for (String line : MarkdownPage.read("docs/guide/routes.md").fenced("src/main/resources/routes/")) {
            for (String part : line.strip().split("  +")) {
                String name = part.replace(" …", "").replace(".camel.yaml", "");
                if (name.matches("[a-z0-9-]+")) {
                    listed.add(name);
                }
            }
        }
        listed.removeAll(ofAgents);
        assertEquals(onDisk, listed);
    }

    private static List<String> rows(String file, String heading) {
        return MarkdownPage.read(file).table(heading).stream()
                .map(cells -> "| " + String.join(" | ", cells) + " |")
                .toList();
    }
}
