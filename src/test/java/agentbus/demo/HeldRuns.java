package agentbus.demo;

import static org.awaitility.Awaitility.await;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;

/** A handler whose runs end when the test says so. */
final class HeldRuns implements RunHandler {

    final List<AdmittedRun> runs = new CopyOnWriteArrayList<>();
    final List<CompletableFuture<Void>> ends = new CopyOnWriteArrayList<>();

    @Override
    public synchronized CompletionStage<Void> run(AdmittedRun run) {
        CompletableFuture<Void> end = new CompletableFuture<>();
        ends.add(end);
        runs.add(run);
        return end;
    }

    /** Ends so many runs, once they have begun: a request is answered when its run is admitted, which is a little before. */
    void endAll(int begun) {
        await().until(() -> runs.size() >= begun);
        ends.forEach(end -> end.complete(null));
    }

    /** Ends the first run, once it has begun. */
    void endFirst() {
        await().until(() -> !runs.isEmpty());
        ends.get(0).complete(null);
    }
}
