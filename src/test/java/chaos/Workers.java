package chaos;

import agentbus.demo.AdmittedRun;
import agentbus.demo.CurlCommand;
import agentbus.demo.PromptReader;
import agentbus.demo.RunHandler;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * The agents of the chaos tests, with a record of their own: the answer to each run's close. The summary of a close is the
 * key of the hook call that woke the agent, so that the database shows which close counted.
 */
final class Workers implements RunHandler, AutoCloseable {
    /** An agent that sleeps through its first attempt and reports it afterwards as if it were in time. */
    static final String SLEEPER = "sleeper";

    private static final Duration WORK = Duration.ofMillis(100);
    /** Longer than the sleepers' timeout and two sweeps of the reaper. */
    private static final Duration SLEEP = Duration.ofSeconds(16);

    private static final Duration ANSWER = Duration.ofSeconds(5);
    private static final Duration PAUSE = Duration.ofMillis(400);
    private static final int TRIES = 150;

    private final PromptReader reader = new PromptReader();
    private final ScheduledExecutorService timer = Executors.newScheduledThreadPool(2, task -> {
        Thread thread = new Thread(task, "workers");
        thread.setDaemon(true);
        return thread;
    });
    private final HttpClient client = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(ANSWER)
            .build();
    private final Map<String, Integer> told = new ConcurrentHashMap<>();
    private final Map<String, List<String>> problems = new ConcurrentHashMap<>();

    @Override
    public CompletionStage<Void> run(AdmittedRun run) {
        CompletableFuture<Void> end = new CompletableFuture<>();
        Optional<CurlCommand> close = reader.read(run.prompt()).commands().stream()
                .filter(command -> command.url().getPath().endsWith("/complete"))
                .findFirst();
        if (close.isEmpty()) {
            return CompletableFuture.failedFuture(new IllegalStateException("the prompt has no close"));
        }
        boolean sleeps = run.agentId().equals(SLEEPER) && run.idempotencyKey().endsWith("-1");
        later(sleeps ? SLEEP : WORK, () -> close(run, close.get(), end, 1));
        return end;
    }

    /**
     * The last answer to each close.
     *
     * @return the status by the key of the call that woke the agent; 0 for one that never got an answer
     */
    Map<String, Integer> told() {
        return Map.copyOf(told);
    }

    private void close(AdmittedRun run, CurlCommand close, CompletableFuture<Void> end, int attempt) {
        HttpRequest request = HttpRequest.newBuilder(
                        close.toRequest("{\"summary\": \"" + run.idempotencyKey() + "\"}"), (name, value) -> true)
                .timeout(ANSWER)
                .build();
        client.sendAsync(request, BodyHandlers.ofString()).whenComplete((answer, failure) -> {
            int status = failure == null ? answer.statusCode() : 0;
            if ((status == 0 || status >= 500) && attempt < TRIES) {
                problems.computeIfAbsent(run.idempotencyKey(), key -> new ArrayList<>())
                        .add(failure == null ? "status " + status : failure.toString());
                later(PAUSE, () -> close(run, close, end, attempt + 1));
            } else {
                told.put(run.idempotencyKey(), status);
                end.complete(null);
            }
        });
    }

    private void later(Duration pause, Runnable task) {
        try {
            timer.schedule(task, pause.toMillis(), TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException closed) {
            // The test has ended, and its agents with it.
        }
    }

    @Override
    public void close() {
        timer.shutdownNow();
    }
}
