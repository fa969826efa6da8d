package agentbus.bench;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.function.Consumer;

/** One kind of measurement. */
interface Bench {
    /**
     * Measures.
     *
     * @param rig a database with the schema, a gateway; the bus is this bench's to start
     * @param tell takes the figures of each result at once, so that an interrupted bench has printed those it had
     */
    void run(Rig rig, Consumer<ObjectNode> tell);
}
