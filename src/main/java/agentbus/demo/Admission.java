package agentbus.demo;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Future;
import java.util.function.Consumer;

/** One request for a run. It waits for its session and its slot, then it runs, then it has ended. */
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

    // The rest belongs to RunSlots and is guarded by its lock.
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

    /** Sets the work that comes before a refusal or an end is announced. Called before the admission is submitted. */
    void bookkeeping(Runnable ofRefusal, Runnable ofEnd) {
        beforeRefusal = ofRefusal;
        beforeEnd = ofEnd;
    }

    void refuse() {
        // Not a stage of the future: those run in no promised order, and a client may retry at once.
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

    /** Tells the watch how the run ended; a run that has not started has none. */
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

    /** Puts a timer in place of the one before, which is cancelled; null only cancels. */
    void timer(Future<?> value) {
        if (timer != null) {
            timer.cancel(false);
        }
        timer = value;
    }
}
