package agentbus.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.contract.Contract;
import agentbus.contract.Input;
import agentbus.contract.Operation;
import agentbus.contract.Problem;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import picocli.CommandLine.Model.CommandSpec;

class HelpTest {
    private static final Contract CONTRACT = Contract.load();
    private final Shell shell = new Shell(CONTRACT, added());

    private static Map<String, AddedCommand> added() {
        Map<String, AddedCommand> added = new LinkedHashMap<>();
        added.put("run", command(() -> 7, "Run the bus."));
        added.put("demo", command(() -> "no status", "Run the bus with a simulated gateway."));
        added.put(
                "fail",
                command(
                        () -> {
                            throw new IllegalStateException("The port is taken.");
                        },
                        "Fail."));
        added.put(
                "refuse",
                command(
                        () -> {
                            throw Problem.of(503, "unavailable", "Not now.");
                        },
                        "Refuse."));
        added.put("plain", new AddedCommand("", () -> CommandSpec.wrapWithoutInspection((Runnable) () -> {})));
        return added;
    }

    private static AddedCommand command(Callable<Object> command, String summary) {
        return new AddedCommand(summary, () -> {
            CommandSpec spec = CommandSpec.wrapWithoutInspection(command);
            spec.usageMessage().description(summary);
            return spec;
        });
    }

    private String help(String... args) {
        Shell.Run run = shell.run(args);
        assertEquals(0, run.exit());
        assertEquals("", run.err());
        return run.out();
    }

    @Test
    void an_input_with_the_name_of_a_common_option_is_refused_by_name() {
        Operation operation = Contract.read(new ByteArrayInputStream(
                        """
                        tags: [{ name: work, description: Work }]
                        paths:
                          /v1/links:
                            get:
                              operationId: listLinks
                              tags: [work]
                              summary: List.
                              x-principals: [operator]
                              x-example: agentbus list-links
                              parameters:
                                - { name: url, in: query, description: Where., schema: { type: string } }
                        """
                                .getBytes(StandardCharsets.UTF_8)))
                .operation("listLinks");

        String message = assertThrows(IllegalStateException.class, () -> CommandSpecs.of(operation))
                .getMessage();
        assertEquals(
                "The input url of listLinks needs another name, because every command has the option --url.", message);
    }

    @Test
    void every_command_shows_its_summary_its_options_and_its_example() {
        for (Operation operation : CONTRACT.operations()) {
            String help = help(operation.kebabName(), "--help");
            String plain = help.replaceAll("\\s+", " ");
            assertTrue(plain.contains(operation.summary()), help);
            assertTrue(help.contains("  " + operation.example() + System.lineSeparator()), help);
            for (Input input : operation.inputs()) {
                assertTrue(help.contains("--" + input.kebabName()), help);
                assertTrue(plain.contains("Must be " + input.expected().substring(0, 6)), help);
                if (input.defaultValue() != null) {
                    assertTrue(plain.contains("default " + input.defaultValue().asText()), help);
                }
            }
        }
    }

    @Test
    void the_help_of_a_command_reads_like_this() {
        shell.env.put("COLUMNS", "90");
        assertEquals(
                List.of(
                        "Usage: agentbus fail-job <job-id> --error <text> [options]",
                        "Close the attempt as failed, with or without a retry.",
                        "The job is retried after --retry-after-seconds, or after the backoff of its job type; it",
                        "is dead when its attempts are used up. With retry false the job is failed and is not",
                        "retried.",
                        "      [<job-id>]             The job's id. Required, here or as --job-id.",
                        "      --job-id=<job-id>      The job's id.",
                        "                             Must be a UUID, such as",
                        "                               0190f5b8-2f4e-7cc1-8a61-6a0a3a3f9d10; required.",
                        "      --error=<text>         What went wrong.",
                        "                             Must be text of 1 to 8000 characters; required.",
                        "      --retry=<true|false>   false: no retry.",
                        "                             Must be true or false; default true.",
                        "      --no-retry             The same as --retry=false."),
                help("fail-job", "--help").lines().limit(14).toList());
    }

    @Test
    void the_help_of_all_is_in_the_groups_and_order_of_the_contract() {
        List<String> lines = help("--help").lines().toList();
        int start = lines.indexOf("Without a running bus:");
        int work = lines.indexOf("Ask for work, and do it:");
        int look = lines.indexOf("See what is going on:");
        int operate = lines.indexOf("Step in:");
        assertTrue(0 < start && start < work && work < look && look < operate, lines.toString());
        assertEquals("  run                          Run the bus.", lines.get(start + 1));
        assertEquals("  demo                         Run the bus with a simulated gateway.", lines.get(start + 2));
        assertEquals("  enqueue-job                  Enqueue a job for an agent.", lines.get(work + 1));
        for (Operation operation : CONTRACT.operations()) {
            assertEquals(
                    1,
                    lines.stream()
                            .filter(line -> line.startsWith("  " + operation.kebabName() + " "))
                            .count());
        }
    }

    @Test
    void help_is_a_command_too() {
        assertEquals(help("--help"), help("help"));
        assertEquals(help("--help"), help("-h"));
        assertEquals(help("list-jobs", "--help"), help("help", "list-jobs"));
    }

    @Test
    void the_help_fits_the_terminal() {
        shell.env.put("COLUMNS", "60");
        List<String> outside = List.of("Every command has", "The token comes from", "Exit status");
        help("--help")
                .lines()
                .filter(line -> outside.stream().noneMatch(line::startsWith))
                .forEach(line -> assertTrue(line.length() <= 60, line));
    }

    @Test
    void the_version_is_that_of_the_build() {
        String version = help("--version").strip();
        assertTrue(version.matches("agentbus \\d+\\.\\d+\\.\\d+.*"), version);
        assertEquals(version, help("list-jobs", "-V").strip());
    }

    @Test
    void commands_that_are_no_operations_run_and_give_their_status() {
        assertEquals(7, shell.run("run").exit());
        assertEquals(7, shell.run("run").exit());
        assertEquals(0, shell.run("demo").exit());
        assertEquals(0, shell.run("plain").exit());
        assertTrue(help("run", "--help").startsWith("Usage: agentbus run"));
    }

    @Test
    void a_command_that_fails_says_so_in_one_line() {
        Shell.Run failed = shell.run("fail");
        assertEquals(1, failed.exit());
        assertEquals("error: The port is taken.", failed.err().strip());
        Shell.Run refused = shell.run("refuse");
        assertEquals(1, refused.exit());
        assertTrue(refused.err().startsWith("error: Not now."), refused.err());
        assertFalse(refused.err().contains("\tat "), refused.err());
    }
}
