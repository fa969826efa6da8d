package agentbus.db;

import agentbus.text.Json;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** The operator as whom a command or a route that works on the database itself calls the SQL functions. */
public final class Operator {
    private Operator() {}

    /** The name of the person who runs this program, as the system knows it; {@code unknown} if it does not. */
    public static String user() {
        return System.getProperty("user.name", "unknown");
    }

    /**
     * The principal of an operator, as the SQL functions take it.
     *
     * @param name the person, or {@code route:<id>}
     * @return a new object
     */
    public static ObjectNode principal(String name) {
        return Json.object().put("kind", "operator").put("name", name);
    }
}
