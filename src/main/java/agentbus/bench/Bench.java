package agentbus.bench;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.function.Consumer;

/** One kind of measurement. */
interface Bench {
    /**
     * Measures.
     *
     * @param rig a database with the schema, a gateway; the bus is this bench's to start
     * @param tell takes each result's figures as soon as there are any, so that a bench that is broken off has told something
     */
    void run(Rig rig, Consumer<ObjectNode> tell);
}
