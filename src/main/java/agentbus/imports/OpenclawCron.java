package agentbus.imports;

import java.util.List;
import java.util.Map;

/**
 * One cron of OpenClaw, translated into standing orders, or the reason why it was left out.
 *
 * @param id its id in OpenClaw
 * @param name its name in OpenClaw, or its id if it has none
 * @param enabled whether OpenClaw runs it
 * @param orders the parameters of the resulting orders, by name; empty when it is left out
 * @param notes the changes, or the reason for leaving it out
 */
record OpenclawCron(
        String id, String name, boolean enabled, Map<String, Map<String, String>> orders, List<String> notes) {

    /** The outcome in a few words: left out, or the names of the orders. */
    String outcome() {
        if (orders.isEmpty()) {
            return "left out";
        }
        return String.join(", ", orders.keySet()) + (enabled ? "" : " (disabled)");
    }
}
