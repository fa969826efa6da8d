package agentbus.bench;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.function.Consumer;

/** One kind of measurement. */
interface Bench {
    /**
     * Measures.
     *
     * @param rig a database with the schema and a running gateway; the measurement itself starts the bus
     * @param tell is called with each result as soon as it is known, so that an interrupted bench has printed its
     *     results
     */
    void run(Rig rig, Consumer<ObjectNode> tell);

    /**
     * The results as a table, for a bench that compares.
     *
     * @return the table's lines after {@link #run}; none for a bench whose lines are enough
     */
    default List<String> table() {
        return List.of();
    }
}
