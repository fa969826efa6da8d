package agentbus.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.settings.StartFailure;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The command with its own server. */
class EvalCommandTest {
    private static final String SET =
            """
            {"type":"memory","id":"open","scope":"service","subjectKey":"payments-api","title":"PAY-4021 is a stale webhook secret","body":"Reload the configuration of payments-api."}
            {"type":"memory","id":"secret","scope":"service","subjectKey":"payments-api","title":"PAY-4021 can be replayed","body":"Known to security only.","visibility":"role","ownerAgent":"security"}
            {"type":"job","id":"j","category":"exact","agent":"devops","subject":"service.diagnose","payload":{"service":"payments-api","error":"PAY-4021"},"relevant":{"open":3},"forbidden":["secret"]}
            {"type":"job","id":"k","category":"wrong","agent":"security","subject":"security.review","payload":{"service":"payments-api","error":"PAY-4021"},"relevant":{"open":3},"forbidden":["secret"]}
            """;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    @TempDir
    Path folder;

    private int eval(String set, String... options) throws IOException {
        Path file = Files.writeString(folder.resolve("set.jsonl"), set);
        EvalCommand command = new EvalCommand(
                new PrintStream(out, true, StandardCharsets.UTF_8),
                Map.of(
                        "AGENTBUS_HOME",
                        folder.toString(),
                        "AGENTBUS_DATABASE_EMBEDDED_BINARIES_DIR",
                        Path.of("target", "postgres-binaries").toAbsolutePath().toString(),
                        // A database of the user, which the command must not open: nothing answers there.
                        "DATABASE_URL",
                        "postgresql://nobody@127.0.0.1:9/none"));
        new CommandLine(command)
                .parseArgs(Stream.concat(Stream.of("memory", file.toString()), Stream.of(options))
                        .toArray(String[]::new));
        return command.call();
    }

    private static Set<String> leftBehind() throws IOException {
        try (Stream<Path> all = Files.list(Path.of(System.getProperty("java.io.tmpdir")))) {
            return new TreeSet<>(all.map(each -> each.getFileName().toString())
                    .filter(name -> name.startsWith(ScratchServer.prefix()))
                    .toList());
        }
    }

    @Test
    void it_measures_on_its_own_server_fails_for_a_forbidden_memory_and_leaves_nothing_behind() throws IOException {
        assertEquals(1, eval(SET, "--json", "--misses"));
        JsonNode answer = Json.read(out.toString(StandardCharsets.UTF_8));
        assertEquals(2, answer.path("memories").asInt());
        assertEquals(2, answer.at("/total/jobs").asInt());
        assertEquals(1, answer.at("/total/recallAt5").asDouble());
        assertEquals("exact", answer.at("/categories/0/category").asText());
        assertEquals(0, answer.at("/categories/0/forbiddenRate").asDouble());
        assertEquals(1, answer.at("/categories/1/forbiddenRate").asDouble());
        assertEquals(1, answer.path("misses").size(), answer::toString);
        assertTrue(
                answer.at("/misses/0").asText().startsWith("forbidden  wrong k: secret is number "), answer::toString);
        assertEquals(Set.of(), leftBehind());
    }

    @Test
    void a_mistake_in_the_set_is_told_before_a_server_starts() {
        String message = assertThrows(StartFailure.class, () -> eval("{\"type\":\"note\"}"))
                .getMessage();
        assertEquals("set.jsonl, line 1: type is \"note\"; it must be memory or job", message);
    }
}
