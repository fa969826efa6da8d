package agentbus.db;

import java.util.ArrayDeque;
import java.util.Deque;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Steps that remove what a command has made for the time of its work. They run when it is closed, or in a shutdown hook,
 * because Ctrl-C and SIGTERM end the process without its finally blocks.
 */
public final class Cleanup implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Cleanup.class);

    private final Deque<Runnable> steps = new ArrayDeque<>();
    private final Thread hook;
    private boolean ended;

    /**
     * Begins without a step.
     *
     * @param name the name of the hook's thread
     */
    public Cleanup(String name) {
        hook = new Thread(this::end, name);
        try {
            Runtime.getRuntime().addShutdownHook(hook);
        } catch (IllegalStateException ending) {
            LOG.debug("The process ends, so each step of {} runs at once", name, ending);
            ended = true;
        }
    }

    /**
     * Adds a step, which runs before those that were added earlier. When the process ends already, it runs at once.
     *
     * @param step removes one thing; it runs once
     */
    public synchronized void add(Runnable step) {
        if (ended) {
            step.run();
        } else {
            steps.push(step);
        }
    }

    /** Runs the steps that have not run, all of them even if one fails, and throws the first failure then. */
    @Override
    public void close() {
        try {
            end();
        } finally {
            forget();
        }
    }

    private void forget() {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException ending) {
            LOG.debug("The process ends, so its hook {} stays", hook.getName(), ending);
        }
    }

    private synchronized void end() {
        ended = true;
        RuntimeException first = null;
        while (!steps.isEmpty()) {
            try {
                steps.pop().run();
            } catch (RuntimeException failed) {
                if (first == null) {
                    first = failed;
                } else {
                    first.addSuppressed(failed);
                }
            }
        }
        if (first != null) {
            throw first;
        }
    }
}
