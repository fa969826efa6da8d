package agentbus.demo;

import java.util.concurrent.CompletionStage;

/** Does the work of an admitted run, in place of the model and its tools. */
@FunctionalInterface
public interface RunHandler {

    /**
     * Starts a run. The gateway calls this on its own thread, so it must return soon and do the work elsewhere.
     *
     * <p>The run holds its slot until the stage ends. When the run's timeout passes or the gateway crashes, the gateway
     * cancels {@code stage.toCompletableFuture()}. A handler must then do nothing more, because the tools of a killed
     * run die too: it checks before each step whether its stage is done.
     *
     * @param run the admitted run
     * @return a stage that ends with the run; an exceptional end, or an exception from this method, is a failed run
     */
    CompletionStage<Void> run(AdmittedRun run);
}
