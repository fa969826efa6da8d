package routes.demo;

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

    void endAll() {
        ends.forEach(end -> end.complete(null));
    }
}
