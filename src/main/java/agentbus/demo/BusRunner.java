package agentbus.demo;

import agentbus.settings.Settings;
import agentbus.settings.StartFailure;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** Runs a bus for the demo. {@code Main} implements it, because the demo must not depend on the package of the bus. */
@FunctionalInterface
public interface BusRunner {
    /**
     * Starts a bus, and returns after the process was asked to end and the bus is closed.
     *
     * @param settings the bus's settings
     * @param routes patterns of route files besides those of its phase
     * @param beans beans that those routes call, by name
     * @param closedFirst is closed before the bus; stays open when the bus cannot start
     * @param running called once the bus runs, with its URL
     * @throws StartFailure when the bus cannot start
     */
    void run(
            Settings settings,
            List<String> routes,
            Map<String, Object> beans,
            AutoCloseable closedFirst,
            Consumer<String> running);
}
