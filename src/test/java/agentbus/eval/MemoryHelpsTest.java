package agentbus.eval;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.demo.AdmittedRun;
import agentbus.demo.AgentScript;
import agentbus.demo.Outcome;
import agentbus.demo.SimulatedAgents;
import agentbus.demo.TestAgents;
import agentbus.demo.TestGateway;
import agentbus.demo.TestGatewayOptions;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestBus;
import agentbus.harness.TestDatabase;
import agentbus.harness.TestJobs;
import agentbus.settings.ProgramFiles;
import agentbus.settings.Settings;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * Whether memories in prompts help: the jobs of the untuned half run twice on the ten agents, by the same draws, in phase
 * 3 without memories and in phase 4 with them. The scripted agents fail by the mistakes that the set's grades name.
 */
@ExtendWith(PostgresExtension.class)
class MemoryHelpsTest {
    private static final Set<String> AGENTS = Set.of(
            "auditor",
            "coordinator",
            "design",
            "devops",
            "knowledge",
            "product-metrics",
            "project-tracker",
            "publisher",
            "research",
            "security");

    private static final long SEED = 15;
    /** Chosen: most agents miss what they cannot know, and some come upon it by themselves. */
    private static final double MISTAKE = 0.6;
    /** Chosen: one memory in fifty that does not matter leads its reader astray. */
    private static final double MISLED = 0.02;
    /** The line above a memory in a prompt. */
    private static final Pattern HEAD = Pattern.compile("^\\[m\\d+] .* id ([0-9a-f-]{36})", Pattern.MULTILINE);

    /** A memory whose lack, or whose presence, is a mistake. */
    private static final int NEEDED = 3;

    private final TestDatabase database;
    private final TestJobs jobs;
    private final MemorySet set = MemorySet.read(Path.of("src/test/resources/memory/report.jsonl"));

    @TempDir
    Path home;

    MemoryHelpsTest(TestDatabase database) {
        this.database = database;
        this.jobs = new TestJobs(database.jdbc());
    }

    /** The ends of one run of all jobs: why each failed job failed, by its id in the set. */
    private record Arm(Map<String, String> failures, int injected) {}

    @Test
    void fewer_jobs_fail_by_a_mistake_that_a_memory_warns_of_and_hardly_one_is_misled() throws Exception {
        Arm without = run(3);
        Arm with = run(4);
        assertEquals(0, without.injected());
        Set<String> trapped = ids(job -> job.relevant().containsValue(NEEDED));
        Set<String> others = ids(job -> !job.relevant().containsValue(NEEDED));
        double before = share(without, trapped);
        double after = share(with, trapped);
        Set<String> harmed = new TreeSet<>(with.failures().keySet());
        harmed.removeAll(without.failures().keySet());
        System.out.printf(
                "memory helps: %d jobs with a mistake to make: %.0f %% failed without memories, %.0f %% with them%n"
                        + "memory helps: %d jobs without one: %.0f %% failed without memories, %.0f %% with them%n"
                        + "memory helps: %d memories in %d prompts; failed only with memories: %s%n",
                trapped.size(),
                100 * before,
                100 * after,
                others.size(),
                100 * share(without, others),
                100 * share(with, others),
                with.injected(),
                set.jobs().size(),
                harmed.stream()
                        .map(id -> id + " (" + with.failures().get(id) + ")")
                        .toList());
        assertTrue(before >= 0.4, "the draws make too few mistakes: " + before);
        assertTrue(after <= before / 2, () -> "before " + before + ", after " + after + ": " + with.failures());
        assertTrue(harmed.size() <= set.jobs().size() / 20, harmed::toString);
        assertTrue(
                with.failures().values().stream().noneMatch("a forbidden memory"::equals), with.failures()::toString);
    }

    private Arm run(int phase) throws Exception {
        database.clear();
        Map<String, Set<String>> subjects = new TreeMap<>();
        set.jobs().forEach(job -> subjects.computeIfAbsent(agent(job), agent -> new TreeSet<>())
                .add(job.row().path("subject").asText()));
        database.agents(subjects.entrySet().stream().collect(Collectors.toMap(Map.Entry::getKey, each -> each.getValue()
                .toArray(new String[0]))));
        Settings settings = Settings.load(Path.of(""), Map.of(), Map.of());
        new MemoryEvaluation(database.jdbc().getDataSource(), new ProgramFiles(settings), settings).load(set);
        Map<String, MemorySet.Job> enqueued = new LinkedHashMap<>();
        for (MemorySet.Job job : set.jobs()) {
            ObjectNode more =
                    Json.object().put("subject", job.row().path("subject").asText());
            more.set("payload", job.row().path("payload"));
            enqueued.put(jobs.enqueue(agent(job), more.toString()).toString(), job);
        }
        Map<String, String> failures = new ConcurrentHashMap<>();
        try (TestAgents careful = agents(new Outcome.Complete(Duration.ZERO, "done"));
                TestAgents careless = agents(new Outcome.Fail(Duration.ZERO, "a mistake", Optional.empty()));
                TestGateway gateway = new TestGateway(
                        TestGatewayOptions.defaults(TestBus.HOOK_TOKEN).withAgents(AGENTS),
                        run -> work(run, enqueued, failures, careful, careless))) {
            TestBus bus = TestBus.start(
                    database, gateway, home.resolve("phase-" + phase), "agentbus.phase", Integer.toString(phase));
            try {
                await().atMost(Duration.ofMinutes(3))
                        .pollInterval(Duration.ofMillis(200))
                        .until(() -> closed(enqueued.keySet()) == enqueued.size());
            } finally {
                bus.close();
            }
        }
        Set<String> failed = new TreeSet<>();
        enqueued.forEach((id, job) -> {
            if (!jobs.job(UUID.fromString(id)).get("state").equals("succeeded")) {
                failed.add(job.id());
            }
        });
        assertEquals(new TreeSet<>(failures.keySet()), failed);
        return new Arm(
                Map.copyOf(failures),
                database.jdbc().queryForObject("select count(*) from memory_injections", Integer.class));
    }

    private int closed(Set<String> ids) {
        return database.jdbc()
                .queryForObject(
                        "select count(*) from jobs where job_id = any (string_to_array(?, ',')::uuid[])"
                                + " and state in ('succeeded', 'failed', 'dead')",
                        Integer.class,
                        String.join(",", ids));
    }

    /** One run of an agent that knows no more than its prompt says. */
    private CompletionStage<Void> work(
            AdmittedRun run,
            Map<String, MemorySet.Job> enqueued,
            Map<String, String> failures,
            TestAgents careful,
            TestAgents careless) {
        MemorySet.Job job = enqueued.get(run.jobId());
        // The bus itself asks the coordinator about jobs that have failed.
        Optional<String> mistake = job == null ? Optional.empty() : mistake(job, memories(run.prompt()));
        mistake.ifPresent(why -> failures.put(job.id(), why));
        return (mistake.isPresent() ? careless : careful).run(run);
    }

    private Set<String> memories(String prompt) {
        Map<String, String> ids = set.idsByMemoryId();
        Set<String> shown = new LinkedHashSet<>();
        Matcher heads = HEAD.matcher(prompt);
        while (heads.find()) {
            shown.add(ids.get(heads.group(1)));
        }
        return shown;
    }

    private static Optional<String> mistake(MemorySet.Job job, Set<String> shown) {
        if (shown.stream().anyMatch(job.forbidden()::contains)) {
            return Optional.of("a forbidden memory");
        }
        for (String id : job.relevant().keySet()) {
            if (job.relevant().get(id) == NEEDED && !shown.contains(id) && draw(job.id() + id) < MISTAKE) {
                return Optional.of("without " + id);
            }
        }
        return shown.stream()
                .filter(id -> !job.relevant().containsKey(id) && draw(job.id() + id) < MISLED)
                .findFirst()
                .map(id -> "misled by " + id);
    }

    private static double draw(String what) {
        return new SplittableRandom(SEED * 1_000_003 + what.hashCode()).nextDouble();
    }

    private static TestAgents agents(Outcome outcome) {
        return new TestAgents(new SimulatedAgents.Options(
                Map.of(), AgentScript.always(outcome), SEED, 150, Duration.ofMillis(200), false));
    }

    private Set<String> ids(Predicate<MemorySet.Job> which) {
        return set.jobs().stream().filter(which).map(MemorySet.Job::id).collect(Collectors.toSet());
    }

    private static double share(Arm arm, Set<String> some) {
        return (double) some.stream().filter(arm.failures()::containsKey).count() / some.size();
    }

    private static String agent(MemorySet.Job job) {
        return job.row().path("target_agent").asText();
    }
}
