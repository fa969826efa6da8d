package agentbus;

import static org.junit.jupiter.api.Assertions.assertEquals;

import agentbus.contract.Contract;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class MainTest {
    /** These need only the libraries of a call. */
    private static final Set<String> SMALL = Set.of("version", "week-one");

    @Test
    void each_command_says_the_same_of_itself_in_the_help_of_the_program_and_in_its_own() {
        Main.commands(Contract.load(), System.out, System.err, Map.of())
                .forEach((name, command) -> assertEquals(
                        command.summary(), command.spec().get().usageMessage().description()[0], name));
    }

    @Test
    void the_launcher_names_each_command_that_needs_more_than_the_libraries_of_a_call() throws IOException {
        Set<String> added = new TreeSet<>(
                Main.commands(Contract.load(), System.out, System.err, Map.of()).keySet());
        added.removeAll(SMALL);
        Set<String> named = Pattern.compile("^ *(.*)\\) named=\\w+ ;;", Pattern.MULTILINE)
                .matcher(Files.readString(Path.of("agentbus")))
                .results()
                .flatMap(line -> Pattern.compile(" \\| ").splitAsStream(line.group(1)))
                .collect(Collectors.toCollection(TreeSet::new));
        assertEquals(added, named);
    }
}
