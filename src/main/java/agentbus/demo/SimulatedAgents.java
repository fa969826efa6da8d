package agentbus.demo;

import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A fleet of agents that follow scripts and call back over HTTP. The address, method, headers and token of a callback
 * come from the commands in the agent's prompt. No agent holds a thread.
 *
 * <p>For each callback an agent takes the first command whose path ends in {@code /complete}, {@code /block}, {@code
 * /questions}, {@code /fail}, {@code /progress} or in another operation of its script, and fills in its JSON body. If an answer has {@code closeNow}, its next call is the one that ends the job. The n-th run of an agent gets the n-th draw of that agent's
 * sequence, so a seed gives the same outcomes in whatever order the agents run.
 */
public class SimulatedAgents implements RunHandler, AutoCloseable {

    /**
     * The behaviour of the fleet.
     *
     * @param scripts the script of each agent
     * @param fallback the script of an agent without one
     * @param seed the start of all draws; the same seed gives the same draws
     * @param callbackTries the most tries of a callback that gets no answer; after any answer there is no further try
     * @param callbackPause the time between two tries
     * @param obeysNotice whether an agent ignores a prompt that is wrapped as untrusted, as real models do (reported
     *     for OpenClaw, gensecaihq/Wazuh-Autopilot#13)
     */
    public record Options(
            Map<String, AgentScript> scripts,
            AgentScript fallback,
            long seed,
            int callbackTries,
            Duration callbackPause,
            boolean obeysNotice) {
        /**
         * Copies the scripts.
         *
         * @throws IllegalArgumentException if there is not at least one try
         */
        public Options {
            scripts = Map.copyOf(scripts);
            if (callbackTries < 1) {
                throw new IllegalArgumentException("callbackTries must be at least 1: " + callbackTries);
            }
        }

        /**
         * Options with three tries of a callback, 200 ms apart, and agents that obey the notice of a wrapped prompt.
         * Agents without a script complete their jobs at once.
         *
         * @param scripts the script of each agent
         * @param seed the start of all draws; the same seed gives the same draws
         * @return the options
         */
        public static Options of(Map<String, AgentScript> scripts, long seed) {
            AgentScript done = AgentScript.always(new Outcome.Complete(Duration.ZERO, "done"));
            return new Options(scripts, done, seed, 3, Duration.ofMillis(200), true);
        }
    }

    /** The agent's next step: a pause, then a callback if there is one. */
    private record Step(Duration pause, Optional<Outcome.Call> callback) {}

    /** The state of one run that goes through its steps. */
    private record Work(
            AdmittedRun run,
            List<CurlCommand> commands,
            List<String> memories,
            List<Step> steps,
            boolean ends,
            CompletableFuture<Void> end,
            Runnable stopWorking) {}

    private static final class Draws {
        private final Random random;
        private long runs;

        private Draws(long seed) {
            random = new Random(seed);
        }

        private synchronized Outcome next(AgentScript script) {
            return script.outcome(runs++, random.nextDouble());
        }
    }

    private static final Logger LOG = LoggerFactory.getLogger(SimulatedAgents.class);
    /** Chosen: the client's callbacks are short, and the requests themselves hold no thread. */
    private static final int CLIENT_THREADS = 2;
    /** The most characters of a refusal in the log. Chosen: its first sentences fit, and the line stays readable. */
    private static final int LOGGED_CHARACTERS = 500;

    private final Options options;
    private final PromptReader reader = new PromptReader();
    private final CallbackBodies bodies = new CallbackBodies();
    private final Map<String, Draws> draws = new ConcurrentHashMap<>();
    private final ScheduledThreadPoolExecutor timer;
    private final ExecutorService clientThreads;
    private final HttpClient client;
    private final AgentWatch watch;
    private final Function<String, Optional<AgentScript>> bySubject;
    private final boolean usesMemories;

    /**
     * Makes a fleet in which some jobs have a script of their own, and whose agents say of each memory in their prompts that
     * they have used it.
     *
     * @param options the fleet's behaviour
     * @param bySubject the script of the jobs with a subject, which is asked for at each run; empty for that of the agent
     */
    public SimulatedAgents(Options options, Function<String, Optional<AgentScript>> bySubject) {
        this(options, AgentWatch.NONE, bySubject, true);
    }

    /**
     * Makes a fleet with a watch.
     *
     * @param options the fleet's behaviour
     * @param watch is called for each callback, and at the begin and the end of the work on each job
     */
    SimulatedAgents(Options options, AgentWatch watch) {
        this(options, watch, subject -> Optional.empty(), false);
    }

    private SimulatedAgents(
            Options options,
            AgentWatch watch,
            Function<String, Optional<AgentScript>> bySubject,
            boolean usesMemories) {
        this.options = options;
        this.watch = watch;
        this.bySubject = bySubject;
        this.usesMemories = usesMemories;
        this.timer = new ScheduledThreadPoolExecutor(1, daemons("agents-timer"));
        this.timer.setRemoveOnCancelPolicy(true);
        this.clientThreads = Executors.newFixedThreadPool(CLIENT_THREADS, daemons("agents-client"));
        this.client = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(Duration.ofSeconds(5))
                .executor(clientThreads)
                .build();
    }

    @Override
    public CompletionStage<Void> run(AdmittedRun run) {
        CompletableFuture<Void> end = new CompletableFuture<>();
        String prompt = run.prompt();
        if (options.obeysNotice() && prompt.startsWith(AdmittedRun.UNTRUSTED_NOTICE)) {
            watch.happened(AgentWatch.Event.NOTICE_OBEYED);
            LOG.warn("{} does nothing in run {}, as its prompt demands", run.agentId(), run.runId());
            end.complete(null);
            return end;
        }
        Outcome outcome = outcome(run.agentId(), prompt);
        watch.working(run.agentId());
        AtomicBoolean stopped = new AtomicBoolean();
        Runnable stopWorking = () -> {
            if (stopped.compareAndSet(false, true)) {
                watch.stopped(run.agentId());
            }
        };
        end.whenComplete((done, failure) -> stopWorking.run());
        if (outcome instanceof Outcome.Ignore) {
            return end;
        }
        PromptReader.Reading reading = reader.read(prompt);
        boolean ends = !(outcome instanceof Outcome.Crash);
        List<String> memories = usesMemories ? PromptReader.memories(prompt) : List.of();
        proceed(new Work(run, reading.commands(), memories, steps(outcome), ends, end, stopWorking), 0);
        return end;
    }

    /** Stops all agents at their current step; their runs go on until the gateway ends them. */
    @Override
    public void close() {
        timer.shutdownNow();
        clientThreads.shutdown();
    }

    private Outcome outcome(String agentId, String prompt) {
        Optional<AgentScript> own = bySubject.apply(PromptReader.subject(prompt));
        AgentScript script = own.orElseGet(() -> options.scripts().getOrDefault(agentId, options.fallback()));
        if (script.onceAnswered().isPresent() && PromptReader.hasAnswer(prompt)) {
            return script.onceAnswered().get();
        }
        String sequence = own.isPresent() ? PromptReader.subject(prompt) : agentId;
        return draws.computeIfAbsent(sequence, id -> new Draws(options.seed() * 31 + id.hashCode()))
                .next(script);
    }

    private static List<Step> steps(Outcome outcome) {
        List<Outcome.Call> callbacks = new ArrayList<>(CallbackBodies.progress(outcome));
        Duration pause = after(outcome).dividedBy(callbacks.size() + 1L);
        List<Step> steps = new ArrayList<>();
        callbacks.forEach(report -> steps.add(new Step(pause, Optional.of(report))));
        steps.add(new Step(pause, CallbackBodies.closing(outcome)));
        return steps;
    }

    private static Duration after(Outcome outcome) {
        if (outcome instanceof Outcome.Complete complete) {
            return complete.after();
        } else if (outcome instanceof Outcome.Block block) {
            return block.after();
        } else if (outcome instanceof Outcome.Ask ask) {
            return ask.after();
        } else if (outcome instanceof Outcome.Fail fail) {
            return fail.after();
        } else if (outcome instanceof Outcome.Calls made) {
            return made.after();
        } else if (outcome instanceof Outcome.Forget forget) {
            return forget.after();
        } else if (outcome instanceof Outcome.Crash crash) {
            return crash.after();
        }
        return Duration.ZERO;
    }

    private void proceed(Work work, int index) {
        if (index == work.steps().size()) {
            if (work.ends()) {
                work.end().complete(null);
            } else {
                work.end().completeExceptionally(new IllegalStateException("The run ended before its job was closed"));
            }
            return;
        }
        Step step = work.steps().get(index);
        after(step.pause(), () -> {
            // A killed run does nothing more.
            if (!work.end().isDone()) {
                if (index == work.steps().size() - 1) {
                    // Before the callback, because the agent's next job may arrive before the callback's answer.
                    work.stopWorking().run();
                }
                step.callback()
                        .ifPresentOrElse(
                                callback -> callBack(work, callback, 1)
                                        .thenAccept(closeNow -> proceed(work, next(work, index, closeNow))),
                                () -> proceed(work, index + 1));
            }
        });
    }

    /** The index of the step after this one: that of the close, if the bus has asked for it and it has not been made. */
    private static int next(Work work, int index, boolean closeNow) {
        return closeNow ? Math.max(index + 1, work.steps().size() - 1) : index + 1;
    }

    /**
     * Makes a callback; the stage completes when the callback is answered or given up, and never exceptionally. It tells
     * whether the bus has asked the agent to close its job.
     */
    private CompletionStage<Boolean> callBack(Work work, Outcome.Call callback, int attempt) {
        Optional<CurlCommand> command = work.commands().stream()
                .filter(one -> one.url().getPath().endsWith("/" + callback.operation()))
                .findFirst();
        if (command.isEmpty()) {
            watch.happened(AgentWatch.Event.COMMAND_MISSING);
            LOG.warn("The prompt of {} has no command for {}", work.run().sessionKey(), callback.operation());
            return CompletableFuture.completedFuture(false);
        }
        CompletableFuture<Boolean> over = new CompletableFuture<>();
        CompletableFuture<HttpResponse<String>> sent;
        try {
            HttpRequest request =
                    command.get().toRequest(bodies.fill(command.get().body(), callback, work.memories()));
            sent = client.sendAsync(request, HttpResponse.BodyHandlers.ofString());
        } catch (IllegalArgumentException e) {
            sent = CompletableFuture.failedFuture(e);
        }
        sent.whenComplete((response, failure) -> {
            boolean again = false;
            boolean closeNow = false;
            if (failure != null) {
                again = attempt < options.callbackTries() && !work.end().isDone();
                report(work, callback, "no answer, " + describe(failure), again);
            } else if (response.statusCode() >= 300) {
                String body = response.body();
                String text = body.substring(0, Math.min(body.length(), LOGGED_CHARACTERS));
                report(work, callback, "status " + response.statusCode() + ", " + redact(command.get(), text), false);
            } else {
                watch.happened(AgentWatch.Event.CALLBACK_SUCCEEDED);
                closeNow = asksToClose(response.body());
            }
            if (again) {
                after(options.callbackPause(), () -> callBack(work, callback, attempt + 1)
                        .thenAccept(over::complete));
            } else {
                over.complete(closeNow);
            }
        });
        return over;
    }

    private static boolean asksToClose(String answer) {
        try {
            return Json.read(answer).hasNonNull("closeNow");
        } catch (JsonProcessingException e) {
            LOG.warn("The answer of a callback is not JSON: {}", e.getOriginalMessage());
            return false;
        }
    }

    private void report(Work work, Outcome.Call callback, String what, boolean again) {
        watch.happened(AgentWatch.Event.CALLBACK_FAILED);
        LOG.warn(
                "Callback {} of {} failed: {}{}",
                callback.operation(),
                work.run().sessionKey(),
                what,
                again ? "; it will be repeated" : "");
    }

    private static String describe(Throwable failure) {
        Throwable root =
                failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
        // The messages of other exceptions may quote a header with the token.
        return root instanceof IOException ? root.toString() : root.getClass().getSimpleName();
    }

    private static String redact(CurlCommand command, String text) {
        String authorization = command.header("Authorization").orElse("");
        String token = authorization.substring(authorization.lastIndexOf(' ') + 1);
        return token.isEmpty() ? text : text.replace(token, "***");
    }

    private void after(Duration pause, Runnable task) {
        if (pause.isZero()) {
            task.run();
            return;
        }
        try {
            timer.schedule(task, pause.toNanos(), TimeUnit.NANOSECONDS);
        } catch (RejectedExecutionException e) {
            LOG.debug("The agents are closed; a step was dropped");
        }
    }

    private static ThreadFactory daemons(String name) {
        return task -> {
            Thread thread = new Thread(task, name);
            thread.setDaemon(true);
            return thread;
        };
    }
}
