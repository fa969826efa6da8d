package agentbus.imports;

import agentbus.orders.Order;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** The installation that gets the imported orders. */
public interface Installation {
    /**
     * The directory of its own route files ({@code agentbus.routes.dir}).
     *
     * @return an absolute path, which may not exist; empty when the setting is empty
     */
    Optional<Path> routes();

    /**
     * Its agents.
     *
     * @return the ids of all agents
     * @throws agentbus.settings.StartFailure when an agent file is wrong
     */
    Set<String> agents();

    /**
     * The names that a new order cannot have: those of all routes and standing orders, also of phases that are off.
     *
     * @param without a file whose names do not count, because the new orders replace it; it may not exist
     * @return the names
     * @throws agentbus.settings.StartFailure when a directory cannot be read
     */
    Set<String> names(Path without);

    /**
     * Reads a route file as a start does that finds it in {@link #routes}.
     *
     * @param file the file's path, for messages; it may not exist
     * @param text its content
     * @return its standing orders, sorted by name
     * @throws agentbus.settings.StartFailure when a start would refuse the file
     */
    List<Order> read(Path file, String text);
}
