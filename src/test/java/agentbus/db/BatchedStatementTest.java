package agentbus.db;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.dao.DataAccessResourceFailureException;
import org.springframework.dao.DataIntegrityViolationException;

class BatchedStatementTest {
    private static final int POISON = 13;

    private final List<List<Integer>> runs = new CopyOnWriteArrayList<>();
    private final List<Thread> threads = new CopyOnWriteArrayList<>();
    private final CountDownLatch firstRuns = new CountDownLatch(1);
    private final CountDownLatch goOn = new CountDownLatch(1);
    private final BatchedStatement<Integer, String> batch =
            BatchedStatement.awaited("test", 3, 1, Duration.ZERO, this::run);

    @AfterEach
    void close() {
        goOn.countDown();
        batch.close();
    }

    private List<String> run(List<Integer> inputs) {
        runs.add(inputs);
        threads.add(Thread.currentThread());
        firstRuns.countDown();
        try {
            goOn.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (inputs.contains(POISON)) {
            throw new DataIntegrityViolationException("poison");
        }
        if (inputs.contains(-1)) {
            throw new DataAccessResourceFailureException("no database");
        }
        return inputs.stream().map(input -> "n" + input).toList();
    }

    /** Makes calls: the first runs alone, and the others arrive while it runs. */
    private List<CompletableFuture<String>> callAll(int... inputs) throws InterruptedException {
        CompletableFuture<String> first = batch.call(0);
        assertTrue(firstRuns.await(30, SECONDS));
        List<CompletableFuture<String>> answers =
                IntStream.of(inputs).mapToObj(batch::call).toList();
        goOn.countDown();
        assertEquals("n0", get(first));
        return answers;
    }

    private static String get(CompletableFuture<String> answer) {
        return answer.orTimeout(30, SECONDS).join();
    }

    @Test
    void calls_that_come_while_it_runs_go_together_and_each_gets_its_own_answer() throws Exception {
        List<CompletableFuture<String>> answers = callAll(1, 2, 3, 4);
        assertEquals(
                List.of("n1", "n2", "n3", "n4"),
                answers.stream().map(BatchedStatementTest::get).toList());
        assertEquals(List.of(List.of(0), List.of(1, 2, 3), List.of(4)), runs);
    }

    @Test
    void what_one_call_brought_does_not_fail_the_others() throws Exception {
        List<CompletableFuture<String>> answers = callAll(1, POISON, 3);
        assertEquals("n1", get(answers.get(0)));
        assertEquals("n3", get(answers.get(2)));
        ExecutionException refused =
                assertThrows(ExecutionException.class, () -> answers.get(1).get(30, SECONDS));
        assertEquals("poison", refused.getCause().getMessage());
    }

    @Test
    void a_database_that_is_away_is_not_asked_again_for_each_call() throws Exception {
        List<CompletableFuture<String>> answers = callAll(1, -1, 3);
        for (CompletableFuture<String> answer : answers) {
            ExecutionException away = assertThrows(ExecutionException.class, () -> answer.get(30, SECONDS));
            assertEquals("no database", away.getCause().getMessage());
        }
        assertEquals(2, runs.size());
    }

    @Test
    void a_caller_that_waits_and_finds_nobody_at_work_runs_the_statement_itself() {
        goOn.countDown();
        assertEquals("n1", batch.await(1));
        assertEquals(List.of(Thread.currentThread()), threads);
        assertEquals(
                "poison",
                assertThrows(DataIntegrityViolationException.class, () -> batch.await(POISON))
                        .getMessage());
    }

    @Test
    void callers_that_wait_while_it_runs_go_together() throws Exception {
        CompletableFuture<String> first = CompletableFuture.supplyAsync(() -> batch.await(0));
        assertTrue(firstRuns.await(30, SECONDS));
        CompletableFuture<String> second = batch.call(1);
        CompletableFuture<String> third = batch.call(2);
        goOn.countDown();
        assertEquals("n0", get(first));
        assertEquals("n1", get(second));
        assertEquals("n2", get(third));
        assertEquals(List.of(List.of(0), List.of(1, 2)), runs);
    }

    @Test
    void after_a_run_with_several_calls_the_next_one_waits_for_more() throws Exception {
        try (BatchedStatement<Integer, String> gathering =
                BatchedStatement.awaited("test", 100, 1, Duration.ofMinutes(5), this::run)) {
            CompletableFuture<String> first = gathering.call(0);
            assertTrue(firstRuns.await(30, SECONDS));
            List<CompletableFuture<String>> several =
                    IntStream.rangeClosed(1, 3).mapToObj(gathering::call).toList();
            goOn.countDown();
            assertEquals("n0", get(first));
            several.forEach(BatchedStatementTest::get);
            List<CompletableFuture<String>> enough =
                    IntStream.rangeClosed(21, 32).mapToObj(gathering::call).toList();
            enough.forEach(BatchedStatementTest::get);
            assertEquals(
                    List.of(
                            List.of(0),
                            List.of(1, 2, 3),
                            IntStream.rangeClosed(21, 32).boxed().toList()),
                    runs);
        }
    }

    @Test
    void a_run_that_waits_for_more_begins_at_its_time_and_at_the_close() throws Exception {
        for (Duration gather : List.of(Duration.ofMillis(1), Duration.ofMinutes(5))) {
            BatchedStatement<Integer, String> gathering = BatchedStatement.awaited("test", 100, 1, gather, this::run);
            CompletableFuture<String> first = gathering.call(0);
            List<CompletableFuture<String>> several =
                    IntStream.rangeClosed(1, 4).mapToObj(gathering::call).toList();
            goOn.countDown();
            assertEquals("n0", get(first));
            several.forEach(BatchedStatementTest::get);
            CompletableFuture<String> last = gathering.call(5);
            if (gather.toMinutes() > 0) {
                gathering.close();
            }
            assertEquals("n5", get(last));
            gathering.close();
        }
    }

    @Test
    void calls_for_whose_answers_nobody_waits_go_together_when_a_batch_is_full_and_at_the_close() {
        BatchedStatement<Integer, String> apart =
                BatchedStatement.unawaited("test", 3, Duration.ofMinutes(5), this::run);
        try {
            goOn.countDown();
            assertEquals("n0", get(apart.call(0)));
            List<CompletableFuture<String>> full =
                    IntStream.rangeClosed(1, 3).mapToObj(apart::call).toList();
            full.forEach(BatchedStatementTest::get);
            assertEquals(List.of(List.of(0), List.of(1, 2, 3)), runs);
            List<CompletableFuture<String>> rest =
                    Stream.of(4, 5).map(apart::call).toList();
            apart.close();
            rest.forEach(BatchedStatementTest::get);
            assertEquals(List.of(List.of(0), List.of(1, 2, 3), List.of(4, 5)), runs);
        } finally {
            apart.close();
        }
    }

    @Test
    void a_pause_after_a_run_for_whose_answers_nobody_waits_ends_at_its_time() {
        try (BatchedStatement<Integer, String> apart =
                BatchedStatement.unawaited("test", 100, Duration.ofMillis(1), this::run)) {
            goOn.countDown();
            assertEquals("n0", get(apart.call(0)));
            assertEquals("n1", get(apart.call(1)));
        }
    }
}
