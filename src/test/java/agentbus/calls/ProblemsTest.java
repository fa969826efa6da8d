package agentbus.calls;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.contract.Problem;
import agentbus.harness.Door;
import agentbus.harness.LogCapture;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/** What an exception means to a caller, and which codes there are. */
class ProblemsTest {
    private final Problems problems = new Problems();

    private static PSQLException refusal(String state, String message, String detail) {
        String fields = "SERROR\0C" + state + "\0M" + message + "\0" + (detail == null ? "" : "D" + detail + "\0");
        return new PSQLException(new ServerErrorMessage(fields));
    }

    @Test
    void a_refusal_of_a_function_is_told_in_its_own_words() {
        Problem problem = problems.of(new RuntimeException(new SQLException(
                "wrapped",
                refusal(
                        "AB422",
                        "there is no agent x",
                        "{\"code\":\"unknown_agent\",\"field\":\"targetAgent\",\"value\":\"x\",\"expected\":\"y\"}"))));

        assertEquals(
                "{\"type\":\"urn:agentbus:problem:unknown_agent\",\"title\":\"Unknown agent\",\"status\":422,"
                        + "\"code\":\"unknown_agent\",\"detail\":\"there is no agent x\",\"field\":\"targetAgent\","
                        + "\"value\":\"x\",\"expected\":\"y\"}",
                problem.toJson().toString());
    }

    @Test
    void a_refusal_of_a_trigger_has_no_details_and_is_one_all_the_same() {
        for (String detail : new String[] {null, "no json"}) {
            Problem problem = problems.of(refusal("AB403", "events is append-only", detail));
            assertEquals("403 forbidden", problem.status() + " " + problem.code());
            assertEquals("events is append-only", problem.detail());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"40P01", "40001", "55P03", "08006", "08001", "57P01", "57P03"})
    void what_passes_by_itself_is_worth_another_try(String state) {
        try (LogCapture log = new LogCapture()) {
            Problem problem = problems.of(new IllegalStateException(new SQLException("details of the server", state)));
            assertEquals("503 unavailable", problem.status() + " " + problem.code());
            assertFalse(problem.toJson().toString().contains("details"));
            assertEquals(1, log.lines().size());
        }
    }

    @Test
    void a_pool_without_a_free_connection_is_worth_another_try() {
        try (LogCapture log = new LogCapture()) {
            assertEquals(
                    503,
                    problems.of(new SQLTransientConnectionException("timed out"))
                            .status());
            assertTrue(log.lines().get(0).startsWith("WARN"), log.lines().get(0));
        }
    }

    @Test
    void anything_else_is_told_by_its_reference_alone() {
        for (Exception failure : new Exception[] {
            new NullPointerException("secret"), new SQLException("secret", "42883"), new SQLException("secret")
        }) {
            try (LogCapture log = new LogCapture()) {
                Problem problem = problems.of(failure);
                assertEquals("500 internal", problem.status() + " " + problem.code());
                assertFalse(problem.toJson().toString().contains("secret"));
                String reference = problem.detail().replaceAll(".*under (\\S+)\\.$", "$1");
                assertTrue(log.lines().get(0).contains(reference), log.lines().get(0));
                assertTrue(log.lines().get(0).contains("secret"), log.lines().get(0));
            }
        }
    }

    @Test
    void the_contract_has_every_code_that_is_used_and_no_other() throws IOException {
        Set<String> promised = new TreeSet<>();
        Door.CONTRACT
                .document()
                .at("/components/schemas/Problem/properties/code/enum")
                .forEach(code -> promised.add(code.asText()));
        Set<String> refused = new TreeSet<>();
        String sql = text(Path.of("sql/functions"), ".sql");
        Matcher refusals = Pattern.compile("refuse\\(\\s*[\\w]+,\\s*'(\\w+)'|'code', '(\\w+)'")
                .matcher(sql);
        while (refusals.find()) {
            refused.add(refusals.group(1) == null ? refusals.group(2) : refusals.group(1));
        }
        String java = text(Path.of("src/main/java/agentbus/contract"), ".java")
                + text(Path.of("src/main/java/agentbus/calls"), ".java")
                + text(Path.of("src/main/java/agentbus/http"), ".java")
                + text(Path.of("src/main/java/agentbus/mcp"), ".java");

        assertTrue(refused.size() > 8, refused.toString());
        assertTrue(promised.containsAll(refused), refused + " of " + promised);
        promised.removeIf(code -> refused.contains(code) || java.contains('"' + code + '"'));
        assertEquals(Set.of(), promised);
    }

    private static String text(Path directory, String ending) throws IOException {
        StringBuilder text = new StringBuilder();
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file :
                    files.filter(each -> each.toString().endsWith(ending)).toList()) {
                text.append(Files.readString(file));
            }
        }
        return text.toString();
    }
}
