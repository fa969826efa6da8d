package agentbus.demo;

import java.util.HashMap;
import java.util.Map;

/** Counts for each agent how many runs work at once, and the most there ever were. */
final class WorkCount {

    private final Map<String, Integer> now = new HashMap<>();
    private final Map<String, Integer> most = new HashMap<>();

    synchronized void enter(String agentId) {
        most.merge(agentId, now.merge(agentId, 1, Integer::sum), Math::max);
    }

    synchronized void leave(String agentId) {
        now.merge(agentId, -1, Integer::sum);
    }

    synchronized int most(String agentId) {
        return most.getOrDefault(agentId, 0);
    }
}
