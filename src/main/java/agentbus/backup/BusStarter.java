package agentbus.backup;

import agentbus.settings.Settings;
import java.util.Map;

/** Starts a bus for a drill. {@code Main} implements it, because this package must not depend on that of the bus. */
@FunctionalInterface
public interface BusStarter {
    /**
     * A running bus.
     *
     * @param url its address, such as {@code http://127.0.0.1:41234}
     * @param stop stops it
     */
    record Started(String url, Runnable stop) implements AutoCloseable {
        @Override
        public void close() {
            stop.run();
        }
    }

    /**
     * Starts a bus and returns when it answers.
     *
     * @param settings its settings
     * @param environment the variables, for the server key
     * @return the running bus; the caller closes it
     * @throws agentbus.settings.StartFailure when the bus cannot start
     */
    Started start(Settings settings, Map<String, String> environment);
}
