package agentbus.dispatch;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/**
 * The gateways in this node's settings, with a note of those that the node cannot reach at the moment. Every call to a
 * gateway gets its address here by the gateway's name, so that nothing in a message can redirect it. Thread-safe.
 */
public final class Gateways {
    private final Map<String, Gateway> byName = new LinkedHashMap<>();
    private final Set<String> unreachable = ConcurrentHashMap.newKeySet();

    /**
     * The gateways of a node.
     *
     * @param gateways each with a unique name
     */
    public Gateways(Collection<Gateway> gateways) {
        gateways.forEach(gateway -> byName.put(gateway.name(), gateway));
    }

    /**
     * Finds a gateway by its name.
     *
     * @param name its name
     * @return the gateway
     * @throws IllegalArgumentException when the settings of this node have no such gateway
     */
    public Gateway named(String name) {
        Gateway gateway = byName.get(name);
        if (gateway == null) {
            throw new IllegalArgumentException("this node has no gateway " + name + "; it has " + byName.keySet());
        }
        return gateway;
    }

    /** All gateways, in the order of the settings. */
    public Collection<Gateway> all() {
        return List.copyOf(byName.values());
    }

    /**
     * The address of a gateway's hook calls.
     *
     * @param name its name
     * @return its address, without a path
     */
    public String url(String name) {
        return named(name).url().toString();
    }

    /** The names of the gateways with a hook token: this node checks their readiness and may send them work. */
    public List<String> dispatchable() {
        return byName.values().stream()
                .filter(Gateway::hasHookToken)
                .map(Gateway::name)
                .toList();
    }

    /** The names, joined by commas, of the gateways that have a hook token and answered their last readiness check. */
    public String claimable() {
        return dispatchable().stream()
                .filter(name -> !unreachable.contains(name))
                .collect(Collectors.joining(","));
    }

    /**
     * The parameters of a claim of aborts.
     *
     * @return gateways (with an operator token) and withoutToken (the others); names joined by commas
     */
    public Map<String, Object> abortParameters() {
        return Map.of("gateways", names(true), "withoutToken", names(false));
    }

    /**
     * Notes whether this node reaches a gateway. A node leaves the jobs of an unreachable gateway to other nodes.
     *
     * @param name the gateway's name
     * @param reached whether it answered
     */
    void reached(String name, boolean reached) {
        if (reached) {
            unreachable.remove(name);
        } else {
            unreachable.add(name);
        }
    }

    private String names(boolean hasOperatorToken) {
        return byName.values().stream()
                // Only gateways that this node dispatches to, because another node may have the tokens of the others.
                .filter(gateway -> gateway.hasHookToken() && gateway.hasOperatorToken() == hasOperatorToken)
                .map(Gateway::name)
                .collect(Collectors.joining(","));
    }
}
