package agentbus.demo;

import java.util.concurrent.CompletionStage;

/** Does the work of an admitted run, in place of the model and its tools. */
@FunctionalInterface
public interface RunHandler {

    /**
     * Starts a run. It is called on a thread of the gateway and must return soon; the work itself goes on elsewhere.
     *
     * <p>The run holds its slot until the stage ends. When the run's timeout passes or the gateway crashes, the gateway
     * cancels {@code stage.toCompletableFuture()}; a handler that works step by step asks before each step whether its
     * stage is done, as the tools of a killed run die with it.
     *
     * @param run the admitted run
     * @return a stage that ends with the run; an exceptional end is a failed run. A thrown exception counts as one too
     */
    CompletionStage<Void> run(AdmittedRun run);
}
