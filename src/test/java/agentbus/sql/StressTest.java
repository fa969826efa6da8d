package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.dao.DataAccessException;

@ExtendWith(PostgresExtension.class)
class StressTest {
    private static final int THREADS = 6;
    private static final int STEPS = 250;

    private final Queue<Attempt> attempts = new ConcurrentLinkedQueue<>();
    private final Map<String, AtomicInteger> done = new ConcurrentSkipListMap<>();
    private final Map<String, String> trouble = new ConcurrentSkipListMap<>();
    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        bus.jdbc().update("update agents set max_concurrency = 12");
        bus.jdbc().update("update gateways set max_in_flight = 30");
        bus.jdbc()
                .update("insert into subscriptions (namespace, topic_pattern, agent_id, subject)"
                        + " values ('default', 'stress.#', 'research', 'research.packet')");
    }

    /** One of many steps; what it does is drawn by chance, and a refusal is as good as a success. */
    private void step(Random random, int thread) {
        int choice = random.nextInt(17);
        String name = "step " + choice;
        try {
            act(choice, random, thread);
            done.computeIfAbsent(name, n -> new AtomicInteger()).incrementAndGet();
        } catch (DataAccessException e) {
            String state = ((SQLException) e.getMostSpecificCause()).getSQLState();
            if (!state.startsWith("AB")) {
                trouble.putIfAbsent(name + " " + state, e.getMostSpecificCause().toString());
            }
        }
    }

    private void act(int choice, Random random, int thread) {
        switch (choice) {
            case 0, 1 -> bus.enqueue("dedupeKey", "k" + random.nextInt(40), "maxAttempts", 1 + random.nextInt(3));
            case 2 -> bus.enqueue("dependsOn", someJobs(random, 1 + random.nextInt(3)), "subject", "infra.repair");
            case 3 ->
                bus.enqueue(
                        "parentJobId",
                        someJobs(random, 1).get(0),
                        "targetAgent",
                        "research",
                        "subject",
                        "research.packet");
            case 4, 5, 6 -> bus.claim("dispatcher-" + thread, 4).forEach(j -> attempts.add(Attempt.of(j)));
            case 7 -> deliver(random, thread, attempts.peek());
            case 8 -> withAttempt(a -> bus.say(a, "report_progress", "percent", 5));
            case 9, 10 ->
                withAttempt(a -> bus.say(
                        a,
                        "complete_job",
                        "summary",
                        "done",
                        "followUps",
                        List.of(Machine.json("targetAgent", "devops", "subject", "infra.check")),
                        "events",
                        List.of(Machine.json("topic", "stress.done"))));
            case 11 -> withAttempt(a -> bus.fail(a, "retryAfterSeconds", 0));
            case 12 ->
                withAttempt(a -> bus.block(a, "jobId", someJobs(random, 1).get(0)));
            case 13 -> withAttempt(a -> block(random, a));
            case 14 -> bus.ask("cancel_job", "jobId", someJobs(random, 1).get(0), "reason", "stress");
            case 15 -> {
                bus.jdbc()
                        .update(
                                "update jobs set leased_until = now() - interval '1 second' where job_id in (select job_id from jobs"
                                        + " where state in ('leased', 'running') and random() < 0.2 order by job_id for update skip locked)");
                bus.recover();
            }
            default -> mend(random);
        }
    }

    private void block(Random random, Attempt attempt) {
        if (random.nextBoolean()) {
            bus.block(attempt, "at", Instant.now().plusMillis(200).toString());
        } else {
            bus.block(attempt, "person", "anna");
        }
    }

    private void mend(Random random) {
        for (String job : bus.jdbc()
                .queryForList(
                        "select job_id from jobs where state in ('dead', 'failed', 'blocked') order by random() limit 2",
                        String.class)) {
            if (random.nextBoolean()) {
                bus.ask("redrive_job", "jobId", job, "reason", "stress");
            } else {
                bus.ask("unblock_job", "jobId", job, "answer", "stress");
            }
        }
    }

    private void deliver(Random random, int thread, Attempt attempt) {
        if (attempt == null) {
            return;
        }
        String dispatcher = "dispatcher-" + thread;
        switch (random.nextInt(3)) {
            case 0 -> bus.one("select hook_admitted(?, ?::uuid, 'r', 's')", dispatcher, attempt.id());
            case 1 -> bus.one("select hook_undelivered(?, ?::uuid, 'HTTP 503', null)", dispatcher, attempt.id());
            default -> bus.unknown(dispatcher, attempt);
        }
        bus.jdbc().update("update gateways set held_until = null where namespace = 'default'");
    }

    private void withAttempt(java.util.function.Consumer<Attempt> action) {
        Attempt attempt = attempts.poll();
        if (attempt != null) {
            action.accept(attempt);
        }
    }

    private List<String> someJobs(Random random, int most) {
        List<String> jobs = bus.jdbc()
                .queryForList(
                        "select job_id from (select job_id from jobs order by seq desc limit 60) j order by random() limit ?",
                        String.class,
                        most);
        return jobs.isEmpty() ? List.of(bus.enqueue()) : jobs;
    }

    @Test
    void whatever_happens_at_once_the_invariants_hold() throws Exception {
        long seed = System.nanoTime();
        Race.won(THREADS, thread -> () -> {
            Random random = new Random(seed + thread);
            for (int i = 0; i < STEPS; i++) {
                step(random, thread);
            }
            return thread;
        });

        assertEquals(Map.of(), new TreeMap<>(trouble), "no error but refusals; seed " + seed);
        assertEquals(17, done.size(), () -> "each step succeeded at least once: " + done);
        assertInvariants();
    }

    private void assertInvariants() {
        bus.finishCascades();
        List<String> broken = new ArrayList<>();
        none(
                broken,
                "a job has two live attempts or a live one that is not its own",
                "select j.job_id from jobs j left join job_attempts a on a.job_id = j.job_id and a.status in ('leased', 'running')"
                        + " group by j.job_id, j.live_attempt having count(a.*) <> (j.live_attempt is not null)::int"
                        + " or (j.live_attempt is not null and not j.live_attempt = any (array_agg(a.attempt_id)))");
        none(
                broken,
                "attempt numbers have gaps or run against time",
                "select job_id from (select job_id, attempt_no, row_number() over (partition by job_id order by started_at, attempt_no) as n"
                        + " from job_attempts) x where attempt_no <> n");
        none(
                broken,
                "the job's number is not that of its newest attempt",
                "select job_id from jobs j where attempt_no <> coalesce((select max(attempt_no) from job_attempts a"
                        + " where a.job_id = j.job_id), 0)");
        none(
                broken,
                "open_dependencies is not the count",
                "select job_id from jobs where ended_at is null and open_dependencies <> open_count(job_id)");
        none(
                broken,
                "a job waits for what has ended",
                "select j.job_id from jobs j where state = 'waiting' and not exists (select from job_dependencies d join jobs t"
                        + " on t.job_id = d.depends_on where d.job_id = j.job_id and t.ended_at is null)");
        none(
                broken,
                "a job waits although a dependency has spoiled it",
                "select j.job_id from jobs j where state = 'waiting' and exists (select from spoiled_dependency(j.job_id))");
        none(
                broken,
                "a succeeded dependency is not counted",
                "select d.job_id from job_dependencies d join jobs t on t.job_id = d.depends_on"
                        + " where t.state = 'succeeded' and d.satisfied_at is null");
        none(
                broken,
                "an ended job holds a lease",
                "select job_id from jobs where ended_at is not null and (leased_until is not null or live_attempt is not null)");
        none(
                broken,
                "a block on an ended job that nobody was told of",
                "select j.job_id from jobs j join jobs o on o.job_id = j.blocked_on_job where j.state = 'blocked'"
                        + " and o.ended_at is not null and not needs_success(j.job_id, o.job_id)");
        none(
                broken,
                "the audit log does not tell the way to the state",
                "select j.job_id from jobs j where j.state <> (select detail ->> 'to' from audit_log l where l.row_id = j.job_id::text"
                        + " and l.action <> 'job.adopted' order by audit_id desc limit 1)");
        none(
                broken,
                "the audit log has a gap",
                "select row_id from (select row_id, detail ->> 'from' as came_from,"
                        + " lag(detail ->> 'to') over (partition by row_id order by audit_id) as was from audit_log"
                        + " where table_name = 'jobs' and action <> 'job.adopted') x where came_from <> was");
        assertEquals(List.of(), broken);
        assertTrue(bus.count("jobs where state = 'succeeded'") > 0);
    }

    private void none(List<String> broken, String what, String query) {
        List<Map<String, Object>> rows = bus.jdbc().queryForList(query);
        if (!rows.isEmpty()) {
            JsonNode one = bus.one(
                    "select to_jsonb(j) from jobs j where job_id::text = ?",
                    rows.get(0).values().iterator().next().toString());
            broken.add(what + ": " + rows.size() + " jobs, such as " + one);
        }
    }
}
