package agentbus.bench;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/** One kind of measurement. */
interface Bench {
    /**
     * Measures.
     *
     * @param rig a database with the schema, a gateway; the bus is this bench's to start
     * @return the figures, one object for each result, the summary last
     */
    List<ObjectNode> run(Rig rig);
}
