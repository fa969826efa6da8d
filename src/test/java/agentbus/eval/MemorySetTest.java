package agentbus.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.settings.StartFailure;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The format of a set, and what its reader says about a mistake in it. */
class MemorySetTest {
    private static final String MEMORY =
            "{\"type\":\"memory\",\"id\":\"m\",\"scope\":\"service\",\"subjectKey\":\"api\",\"title\":\"Restart\",\"body\":\"Wait.\"}";
    private static final String JOB =
            "{\"type\":\"job\",\"id\":\"j\",\"category\":\"c\",\"agent\":\"devops\",\"subject\":\"ops.runbook\","
                    + "\"payload\":{\"service\":\"api\"},\"relevant\":{\"m\":3}}";

    @TempDir
    Path folder;

    private MemorySet read(String... lines) throws IOException {
        return MemorySet.read(Files.writeString(folder.resolve("set.jsonl"), String.join("\n", lines)));
    }

    private String refused(String... lines) {
        return assertThrows(StartFailure.class, () -> read(lines)).getMessage();
    }

    @Test
    void a_set_is_read_with_its_defaults_and_empty_lines_count_as_none() throws IOException {
        MemorySet set = read("\uFEFF" + MEMORY, "", JOB, "");
        JsonNode memory = set.memories().get(0);
        assertEquals("lesson", memory.path("kind").asText());
        assertEquals("shared", memory.path("visibility").asText());
        assertEquals("active", memory.path("status").asText());
        assertEquals(3, memory.path("confidence").asInt());
        assertEquals(MemorySet.memoryId("m").toString(), memory.path("memoryId").asText());
        MemorySet.Job job = set.jobs().get(0);
        assertEquals(Map.of("m", 3), job.relevant());
        assertEquals(Set.of(), job.forbidden());
        assertEquals("api", job.row().path("payload").path("service").asText());
        assertEquals("devops", job.row().path("target_agent").asText());
    }

    @Test
    void a_payload_may_be_any_json_and_another_field_that_is_null_is_left_out() throws IOException {
        MemorySet set = read(
                MEMORY.replace("\"body\"", "\"ownerAgent\":null,\"body\""),
                JOB.replace("{\"service\":\"api\"}", "null"),
                JOB.replace("{\"service\":\"api\"}", "[1]").replace("\"j\"", "\"k\""));
        assertTrue(set.jobs().get(0).row().path("payload").isNull());
        assertEquals("[1]", set.jobs().get(1).row().path("payload").toString());
    }

    @Test
    void a_memory_that_is_replaced_knows_the_other() throws IOException {
        MemorySet set = read(
                MEMORY.replace("\"body\"", "\"status\":\"superseded\",\"body\""),
                MEMORY.replace("\"id\":\"m\"", "\"id\":\"n\",\"supersedes\":\"m\""),
                JOB);
        assertEquals(
                MemorySet.memoryId("n").toString(),
                set.memories().get(0).path("supersededById").asText());
        assertEquals(
                MemorySet.memoryId("m").toString(),
                set.memories().get(1).path("supersedesId").asText());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    "type":"memory"      | "type":"note"                        | type is "note"; it must be memory or job
                    "title":"Restart"    | "titel":"Restart"                    | there is no field titel; the known ones are type, id, kind,
                    ,"title":"Restart"   | ``                                   | the field title is missing; it is one line of text
                    "title":"Restart"    | "title":" "                          | title is " "; it must be one line of text
                    "scope":"service"    | "scope":"host"                       | scope is "host"; it must be one of global, agent, project, person, service
                    ,"subjectKey":"api"  | ``                                   | the scope is service, and subjectKey is missing
                    "scope":"service"    | "scope":"global"                     | the scope is global, so subjectKey must be left out
                    "title":"Restart"    | "title":"Restart","confidence":6     | confidence is 6; it must be a whole number from 1 to 5
                    "title":"Restart"    | "title":"Restart","confidence":2.5   | confidence is 2.5; it must be a whole number from 1 to 5
                    "title":"Restart"    | "title":"Restart","visibility":"role" | the visibility is role, and ownerAgent is missing
                    "title":"Restart"    | "title":"Restart","ownerAgent":"a"   | the visibility is shared, so ownerAgent must be left out
                    "title":"Restart"    | "title":"Restart","status":"superseded" | the status is superseded, and no memory of the file supersedes it
                    "title":"Restart"    | "title":"Restart","supersedes":"x"   | supersedes is x, and no memory of the file has this id
                    "title":"Restart"    | "title":"Restart","supersedes":"m"   | it supersedes itself
                    "title":"Restart"    | "title":"Restart","expiresAt":"2026-11-29" | expiresAt is "2026-11-29"; it must be a time such as 2026-11-29T08:00:00Z
                    "title":"Restart"    | "title":"Restart","uses":{"seen":1}  | set.jsonl, line 2, uses: there is no field seen
                    "body":"Wait."}      | "body":"Wait."} {}                   | something follows the JSON
                    "type":"memory",     | ``                                   | type is ; it must be memory or job
                    """)
    void a_mistake_in_a_memory_is_told_with_its_line(String right, String wrong, String told) {
        String message = refused("", MEMORY.replace(right, wrong), JOB);
        assertTrue(message.startsWith("set.jsonl, line 2"), message);
        assertTrue(message.contains(told), message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    "relevant":{"m":3} | "relevant":{"m":4}             | the grade of m is 4; it must be 1 (good to have), 2 (helps) or 3
                    "relevant":{"m":3} | "relevant":{"m":"3"}           | the grade of m is "3"
                    "relevant":{"m":3} | "relevant":{"n":3}             | relevant is n, and no memory of the file has this id
                    "relevant":{"m":3} | "relevant":["m"]               | relevant is ["m"]; it must be an object of memory ids with grades
                    "relevant":{"m":3} | "forbidden":["n"]              | forbidden is n, and no memory of the file has this id
                    "relevant":{"m":3} | "forbidden":[{"m":1}]          | forbidden has {"m":1}; it must be an id
                    "relevant":{"m":3} | "relevant":{"m":3},"forbidden":["m"] | m is relevant and forbidden
                    "id":"j"           | "id":"m"                       | the id m is that of set.jsonl, line 1; ids are unique
                    ,"category":"c"    | ``                             | the field category is missing
                    """)
    void a_mistake_in_a_job_is_told_with_its_line(String right, String wrong, String told) {
        String message = refused(MEMORY, JOB.replace(right, wrong));
        assertTrue(message.startsWith("set.jsonl, line 2: "), message);
        assertTrue(message.contains(told), message);
    }

    @Test
    void a_memory_is_replaced_once_and_by_a_line_of_the_set() {
        String old = MEMORY.replace("\"body\"", "\"status\":\"superseded\",\"body\"");
        String one = MEMORY.replace("\"id\":\"m\"", "\"id\":\"n\",\"supersedes\":\"m\"");
        assertTrue(refused(MEMORY, one, JOB).contains("line 1: n supersedes it, so its status must be superseded"));
        assertTrue(refused(old, one, one.replace("\"n\"", "\"o\""), JOB)
                .contains("line 3: supersedes is m, which another memory supersedes, too"));
    }

    @Test
    void a_file_without_a_job_or_that_is_not_there_is_refused() {
        assertTrue(refused(MEMORY).contains("has no line with the type job"));
        String message = assertThrows(StartFailure.class, () -> MemorySet.read(folder.resolve("none.jsonl")))
                .getMessage();
        assertTrue(message.startsWith("cannot read the set "), message);
    }

    @Test
    void the_two_halves_of_the_project_have_the_same_memories_and_no_job_in_common() {
        Path halves = Path.of("src/test/resources/memory");
        MemorySet tune = MemorySet.read(halves.resolve("tune.jsonl"));
        MemorySet report = MemorySet.read(halves.resolve("report.jsonl"));
        assertEquals(tune.memories(), report.memories());
        assertTrue(tune.memories().size() >= 150);
        assertTrue(tune.jobs().size() >= 40 && report.jobs().size() >= 40);
        Set<String> both =
                new TreeSet<>(tune.jobs().stream().map(MemorySet.Job::id).toList());
        both.retainAll(report.jobs().stream().map(MemorySet.Job::id).toList());
        assertEquals(Set.of(), both);
        for (MemorySet half : List.of(tune, report)) {
            assertTrue(
                    half.jobs().stream().filter(job -> job.relevant().isEmpty()).count() >= 8);
        }
    }
}
