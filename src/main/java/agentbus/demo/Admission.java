package agentbus.demo;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Future;
import java.util.function.Consumer;

/** One request for a run. It waits for its session and a run slot, then runs until its end, or is refused. */
final class Admission {

    enum State {
        WAITING,
        RUNNING,
        REFUSED,
        ENDED
    }

    private final AdmittedRun run;
    /** True when the run starts, false when the admission window passed first; never completed by a crash. */
    private final CompletableFuture<Boolean> admitted = new CompletableFuture<>();
    /** How the run ended. A crash never completes it, since the waiting callers lose their connection. */
    private final CompletableFuture<RunEnd> ended = new CompletableFuture<>();

    // Only RunSlots uses the following fields, under its lock.
    private State state = State.WAITING;
    private Runnable beforeRefusal = () -> {};
    private Runnable beforeEnd = () -> {};
    private Future<?> timer;
    private Consumer<RunEnd> watch;
    private CompletionStage<Void> work;

    Admission(AdmittedRun run) {
        this.run = run;
    }

    AdmittedRun run() {
        return run;
    }

    CompletableFuture<Boolean> admitted() {
        return admitted;
    }

    CompletableFuture<RunEnd> ended() {
        return ended;
    }

    /**
     * Sets the work to do before a refusal or an end is announced. Must be called before the admission is submitted.
     */
    void bookkeeping(Runnable ofRefusal, Runnable ofEnd) {
        beforeRefusal = ofRefusal;
        beforeEnd = ofEnd;
    }

    void refuse() {
        // Runs before the future completes, because a client may retry at once and stages run in no fixed order.
        beforeRefusal.run();
        admitted.complete(false);
    }

    void end(RunEnd how) {
        beforeEnd.run();
        ended.complete(how);
    }

    State state() {
        return state;
    }

    void state(State value) {
        state = value;
    }

    void started(Consumer<RunEnd> takesEnd) {
        watch = takesEnd;
    }

    /** Reports the end of the run to the watch; a run that has not started has no watch. */
    void watchEnd(RunEnd how) {
        if (watch != null) {
            watch.accept(how);
        }
    }

    CompletionStage<Void> work() {
        return work;
    }

    void work(CompletionStage<Void> value) {
        work = value;
    }

    /** Cancels the previous timer and sets a new one; null only cancels. */
    void timer(Future<?> value) {
        if (timer != null) {
            timer.cancel(false);
        }
        timer = value;
    }
}
