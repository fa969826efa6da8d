package chaos;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.TestServer;
import java.sql.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * The cost of history for new jobs. Each figure is a ratio of the medians of two queues in one server, measured in turn, so
 * that other load on the machine slows both.
 *
 * <p>{@code ./mvnw verify -Pgrowth}, a quarter of an hour; the chaos profile runs it with a twentieth of the sizes.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class GrowthTest {
    private static final int HISTORY = Integer.getInteger("growth.history", 40_000);
    private static final int BACKLOG = Integer.getInteger("growth.backlog", 4_000);
    private static final Duration HELD = Duration.ofSeconds(Integer.getInteger("growth.held-seconds", 10));
    /** As agentbus.dispatch.recover-ms by default. */
    private static final Duration SWEEP = Duration.ofSeconds(5);

    private static final int CLAIMS = 300;
    private static final int CLAIM_LIMIT = 10;
    private static final int WORK = 20;

    /** The promised limits; {@link #ALLOWANCE} is the factor for a shared machine, which is slower at times. */
    private static final double CLAIM_TARGET = 1.2;

    private static final double HELD_TARGET = 0.8;
    private static final double RETIREMENT_TARGET = 0.8;
    private static final double ALLOWANCE = 1.25;

    private final List<String> figures = new ArrayList<>();
    private TestServer server;

    @BeforeAll
    void start() {
        server = new TestServer();
    }

    @AfterAll
    void stop() throws Exception {
        server.close();
        System.out.println("\ngrowth: " + HISTORY + " finished, " + BACKLOG + " queued, transaction held for "
                + HELD.toSeconds() + " s");
        figures.forEach(figure -> System.out.println("growth: " + figure));
        System.out.println();
    }

    @Test
    void a_claim_costs_with_history_and_backlog_what_it_costs_without() throws Exception {
        try (Queue empty = new Queue(server.newDatabase());
                Queue full = new Queue(server.newDatabase())) {
            empty.fill(0, 1000);
            full.fill(HISTORY, BACKLOG);
            List<Long> of = new ArrayList<>();
            List<Long> with = new ArrayList<>();
            for (int i = 0; i < CLAIMS + 20; i++) {
                long small = empty.claim(CLAIM_LIMIT);
                long large = full.claim(CLAIM_LIMIT);
                // The first rounds fill caches and do not count.
                if (i >= 20) {
                    of.add(small);
                    with.add(large);
                }
            }
            double ratio = Spread.of(with).median() / Spread.of(of).median();
            tell(
                    "claim of %d: %s empty, %s full; ratio %.2f, target %.1f",
                    CLAIM_LIMIT, Spread.of(of), Spread.of(with), ratio, CLAIM_TARGET);
            assertTrue(ratio <= CLAIM_TARGET * ALLOWANCE, "ratio " + ratio);
        }
    }

    @Test
    void a_transaction_held_open_does_not_slow_the_queue_much() throws Exception {
        try (Queue free = new Queue(server.newDatabase());
                Queue held = new Queue(server.newDatabase());
                Connection holder = held.jdbc().getDataSource().getConnection()) {
            free.fill(1000, 0);
            held.fill(1000, 0);
            free.work(WORK);
            held.work(WORK);
            holder.setAutoCommit(false);
            holder.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
            holder.createStatement().executeQuery("select count(*) from jobs").close();
            List<Long> without = new ArrayList<>();
            List<Long> with = new ArrayList<>();
            long began = System.nanoTime();
            long swept = began;
            while (System.nanoTime() - began < HELD.toNanos()) {
                without.add(free.work(WORK));
                with.add(held.work(WORK));
                if (System.nanoTime() - swept > SWEEP.toNanos()) {
                    free.sweep();
                    held.sweep();
                    swept = System.nanoTime();
                }
            }
            // Only the time at the end counts.
            int tenth = Math.max(with.size() / 10, 5);
            Spread before = Spread.of(without.subList(without.size() - tenth, without.size()));
            Spread after = Spread.of(with.subList(with.size() - tenth, with.size()));
            double ratio = before.median() / after.median();
            tell(
                    "%d jobs from enqueue to end, at the end of %d s: %s free, %s held; throughput %.2f, target %.1f; %d jobs each, %s",
                    WORK,
                    HELD.toSeconds(),
                    before,
                    after,
                    ratio,
                    HELD_TARGET,
                    WORK * with.size(),
                    held.jdbc()
                            .queryForObject(
                                    "select 'dead rows in jobs ' || n_dead_tup from pg_stat_user_tables where relname = 'jobs'",
                                    String.class));
            holder.rollback();
            holder.setAutoCommit(true);
            assertTrue(ratio >= HELD_TARGET / ALLOWANCE, "ratio " + ratio);
        }
    }

    @Test
    void retirement_beside_dispatch_does_not_slow_it_much() throws Exception {
        try (Queue still = new Queue(server.newDatabase());
                Queue retiring = new Queue(server.newDatabase())) {
            still.fill(HISTORY / 2, BACKLOG / 10);
            retiring.fill(HISTORY / 2, BACKLOG / 10);
            AtomicBoolean stop = new AtomicBoolean();
            AtomicInteger batches = new AtomicInteger();
            CompletableFuture<Void> retirement = CompletableFuture.runAsync(() -> {
                String place = "null";
                while (!stop.get() && place != null) {
                    place = retiring.jdbc()
                            .queryForObject(
                                    "select retire_finished_work(30, 500, ?::jsonb) ->> 'next'", String.class, place);
                    batches.incrementAndGet();
                    // The pause between two batches, as the route has it by default.
                    java.util.concurrent.locks.LockSupport.parkNanos(
                            Duration.ofMillis(200).toNanos());
                }
            });
            List<Long> without = new ArrayList<>();
            List<Long> with = new ArrayList<>();
            for (int i = 0; i < CLAIMS / 3 && !retirement.isDone(); i++) {
                without.add(still.work(WORK));
                with.add(retiring.work(WORK));
            }
            stop.set(true);
            retirement.get();
            long moved = retiring.jdbc().queryForObject("select count(*) from jobs_history", Long.class);
            double ratio = Spread.of(without).median() / Spread.of(with).median();
            tell(
                    "%d jobs from enqueue to end: %s alone, %s beside retirement (%d jobs moved in %d batches); throughput %.2f, target %.1f",
                    WORK, Spread.of(without), Spread.of(with), moved, batches.get(), ratio, RETIREMENT_TARGET);
            assertTrue(moved > 0);
            assertEquals(
                    0,
                    retiring.jdbc()
                            .queryForObject(
                                    "select count(*) from jobs j join jobs_history h using (job_id)", Long.class));
            assertTrue(ratio >= RETIREMENT_TARGET / ALLOWANCE, "ratio " + ratio);
        }
    }

    private void tell(String figure, Object... values) {
        figures.add(figure.formatted(values));
    }
}
