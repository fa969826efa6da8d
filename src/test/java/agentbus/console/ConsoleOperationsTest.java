package agentbus.console;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.contract.Contract;
import agentbus.contract.Operation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The page is a client of the contract: it calls what the contract has, and holds no path of its own. */
class ConsoleOperationsTest {
    private static final Path PAGE = Path.of("src/main/resources/console");

    /** The places where a file of the page names an operation. */
    private static final Pattern NAMED =
            Pattern.compile("(?:useRead|useList|call|offers)\\(\\s*\"(\\w+)\"|operation: \"(\\w+)\"");

    @Test
    void every_operation_that_the_page_names_is_in_the_contract() throws IOException {
        Set<String> named = new TreeSet<>();
        for (Path file : files()) {
            NAMED.matcher(Files.readString(file))
                    .results()
                    .forEach(match -> named.add(match.group(1) == null ? match.group(2) : match.group(1)));
        }
        assertTrue(named.size() > 20, "the pattern no longer finds the operations: " + named);

        named.removeAll(Contract.load().operations().stream().map(Operation::id).collect(Collectors.toSet()));

        assertEquals(Set.of(), named, "operations that the contract does not have");
    }

    @Test
    void only_the_client_of_the_page_makes_requests() throws IOException {
        List<String> others = files().stream()
                .filter(file -> text(file).contains("fetch(") || text(file).contains("/v1/"))
                .map(file -> file.getFileName().toString())
                .toList();

        assertEquals(List.of("api.js"), others);
    }

    private static List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(PAGE)) {
            return files.filter(file -> file.toString().endsWith(".js"))
                    .sorted()
                    .toList();
        }
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException gone) {
            throw new IllegalStateException(gone);
        }
    }
}
