package agentbus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.contract.Contract;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class MainTest {
    @Test
    void each_command_says_the_same_of_itself_in_the_help_of_the_program_and_in_its_own() {
        Main.commands(Contract.load(), System.out, System.err, Map.of())
                .forEach((name, command) -> assertEquals(
                        command.summary(), command.spec().get().usageMessage().description()[0], name));
    }

    @Test
    void the_help_of_each_command_is_formatted_without_a_warning() {
        PrintStream before = System.err;
        ByteArrayOutputStream warnings = new ByteArrayOutputStream();
        System.setErr(new PrintStream(warnings, true, StandardCharsets.UTF_8));
        try {
            Main.commands(Contract.load(), System.out, before, Map.of())
                    .values()
                    .forEach(command -> new CommandLine(command.spec().get()).getUsageMessage());
        } finally {
            System.setErr(before);
        }
        assertEquals("", warnings.toString(StandardCharsets.UTF_8));
    }

    @Test
    void the_launcher_names_each_command_that_needs_more_than_the_libraries_of_a_call() throws IOException {
        Set<String> added = new TreeSet<>(
                Main.commands(Contract.load(), System.out, System.err, Map.of()).keySet());
        added.removeAll(Main.LIKE_A_CALL);
        Set<String> named = Pattern.compile("^ *(.*)\\) named=\\w+ ;;", Pattern.MULTILINE)
                .matcher(Files.readString(Path.of("agentbus")))
                .results()
                .flatMap(line -> Pattern.compile(" \\| ").splitAsStream(line.group(1)))
                .collect(Collectors.toCollection(TreeSet::new));
        assertEquals(added, named);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "--help",
                "version",
                "help week-one",
                "list-jobs --help",
                "list-jobs",
                "list-jobs --state none",
                "list-jobs --subject version",
                "week-one --agent week-one"
            })
    void a_call_finds_all_it_needs_in_the_libraries_of_a_call(String line) throws Exception {
        List<String> command =
                new ArrayList<>(List.of(ProcessHandle.current().info().command().orElseThrow(), "-cp", pathOfACall()));
        command.add(Main.class.getName());
        command.addAll(List.of(line.split(" ")));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().putAll(Map.of("AGENTBUS_TOKEN", "none", "AGENTBUS_URL", "http://127.0.0.1:1"));
        Process process = builder.start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(process.waitFor(30, TimeUnit.SECONDS));
        assertTrue(process.exitValue() <= 2, said);
        assertTrue(
                Stream.of("SLF4J", "NoClassDefFound", "ClassNotFound", "\tat ").noneMatch(said::contains), said);
    }

    /** What the manifest of the program's jar names, and the classes. */
    private static String pathOfACall() {
        Set<String> libraries = CallLibraries.names();
        List<String> path = Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(place -> place.endsWith("/target/classes")
                        || CallLibraries.nameIn(place)
                                .filter(libraries::contains)
                                .isPresent())
                .toList();
        assertEquals(libraries.size() + 1, path.size(), path.toString());
        return String.join(File.pathSeparator, path);
    }
}
