package agentbus.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.Answer;
import agentbus.harness.Door;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Enqueues that come at the same moment share a statement, and nobody notices. */
@ExtendWith(PostgresExtension.class)
class EnqueuesTogetherTest {
    /** Far more than the calls of one statement. */
    private static final int CALLERS = 64;

    private static Door door;

    @BeforeAll
    static void open(TestDatabase database, @TempDir Path home) throws IOException {
        door = Door.open(database, home);
    }

    @AfterAll
    static void close() {
        door.close();
    }

    private static List<Answer> atOnce(int calls, IntFunction<Answer> call) throws Exception {
        ExecutorService callers = Executors.newFixedThreadPool(CALLERS);
        try {
            List<Future<Answer>> answers = IntStream.range(0, calls)
                    .mapToObj(n -> callers.submit(() -> call.apply(n)))
                    .toList();
            return answers.stream().map(EnqueuesTogetherTest::answer).toList();
        } finally {
            callers.shutdownNow();
        }
    }

    private static Answer answer(Future<Answer> call) {
        try {
            return call.get();
        } catch (InterruptedException | ExecutionException failed) {
            throw new AssertionError(failed);
        }
    }

    private static String body(String more) {
        return Door.json("{'targetAgent':'worker','subject':'work'" + more + "}");
    }

    private static long count(String sql, Object... arguments) {
        return door.database().jdbc().queryForObject("select " + sql, Long.class, arguments);
    }

    @Test
    void a_thousand_calls_at_once_get_a_job_each_and_share_statements() throws Exception {
        List<Answer> answers = atOnce(1_000, n -> door.post("/v1/jobs", body(",'correlationKey':'all-" + n + "'")));

        for (int n = 0; n < answers.size(); n++) {
            Answer answer = answers.get(n);
            assertEquals(200, answer.status(), answer.text());
            assertEquals(
                    "all-" + n, answer.json().at("/job/correlationKey").asText(), "each caller gets its own answer");
            assertTrue(answer.json().get("created").asBoolean());
        }
        assertEquals(1_000, count("count(*) from jobs where correlation_key like 'all-%'"));
        assertEquals(
                1_000,
                count(
                        "count(*) from audit_log a join jobs j on j.job_id::text = a.row_id"
                                + " where correlation_key like 'all-%' and action = 'job.enqueued' and actor like 'operator:%'"));
        long transactions = count("count(distinct created_at) from jobs where correlation_key like 'all-%'");
        assertTrue(transactions < 1_000, transactions + " transactions");
    }

    @Test
    void good_and_bad_calls_at_once_each_get_the_answer_that_they_get_alone() throws Exception {
        String agent = door.agentToken("other");
        List<String> bodies = List.of(
                body(",'flowKey':'mixed'"),
                Door.json("{'targetAgent':'worker','subject':'not.work'}"),
                Door.json("{'targetAgent':'nobody','subject':'work'}"),
                body(",'flowKey':'mixed','dedupeKey':'mixed'"),
                body(",'namespace':'elsewhere'"),
                body(",'flowKey':'mixed','sourceAgent':'other'"));
        List<String> alone = List.of("200", "422 subject_not_accepted", "422 unknown_agent", "200", "400", "200");

        // The bus knows these tokens before the wrong ones use up the looks of their address.
        door.job();
        assertEquals(200, door.call("GET", "/v1/jobs", agent, null).status());

        List<Answer> answers = atOnce(
                240,
                n -> n % 2 == 0
                        ? door.post("/v1/jobs", bodies.get(n / 2 % 6))
                        : door.call("POST", "/v1/jobs", n % 4 == 1 ? agent : "abo_wrong", body(",'flowKey':'mixed'")));

        for (int n = 0; n < answers.size(); n++) {
            String expected = n % 2 == 0 ? alone.get(n / 2 % 6) : n % 4 == 1 ? "200" : "4";
            Answer answer = answers.get(n);
            assertTrue(answer.brief().startsWith(expected), expected + " and not " + answer.brief());
        }
        assertEquals(20 + 1 + 20 + 60, count("count(*) from jobs where flow_key = 'mixed'"));
        assertEquals(
                60,
                count("count(*) from audit_log a join jobs j on j.job_id::text = a.row_id"
                        + " where flow_key = 'mixed' and actor = 'agent:other'"));
        assertEquals(
                19,
                answers.stream()
                        .filter(answer -> answer.status() == 200
                                && !answer.json().get("created").asBoolean())
                        .count());
    }

    @Test
    void an_agent_gets_no_more_proactive_jobs_than_may_be_alive_however_many_ask_at_once() throws Exception {
        String agent = door.agentToken("other");
        long most = count("proactive_alive()");

        List<Answer> answers =
                atOnce((int) most + 12, n -> door.call("POST", "/v1/jobs", agent, body(",'jobType':'proactive'")));

        assertEquals(
                most, answers.stream().filter(answer -> answer.status() == 200).count());
        answers.stream()
                .filter(answer -> answer.status() != 200)
                .forEach(answer ->
                        assertEquals("422 proactive_limit", answer.brief().substring(0, 19)));
        assertEquals(most, count("count(*) from jobs where job_type = 'proactive'"));
    }
}
