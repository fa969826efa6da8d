package agentbus.dispatch;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/**
 * The gateways of this node's settings, and which of them it just now cannot reach. Where a call goes is decided here, by
 * the name that the database holds, and by nothing that travels in a message. Safe for use by many threads.
 */
public final class Gateways {
    private final Map<String, Gateway> byName = new LinkedHashMap<>();
    private final Set<String> unreachable = ConcurrentHashMap.newKeySet();

    /**
     * The gateways of a node.
     *
     * @param gateways each with a name of its own
     */
    public Gateways(Collection<Gateway> gateways) {
        gateways.forEach(gateway -> byName.put(gateway.name(), gateway));
    }

    /**
     * The gateway with a name.
     *
     * @param name its name
     * @return the gateway
     * @throws IllegalArgumentException when this node knows none of that name
     */
    public Gateway named(String name) {
        Gateway gateway = byName.get(name);
        if (gateway == null) {
            throw new IllegalArgumentException("this node has no gateway " + name + "; it has " + byName.keySet());
        }
        return gateway;
    }

    /** Every gateway, in the settings' order. */
    public Collection<Gateway> all() {
        return List.copyOf(byName.values());
    }

    /**
     * Where a gateway is called.
     *
     * @param name its name
     * @return its address, without a path
     */
    public String url(String name) {
        return named(name).url().toString();
    }

    /** The names of all that this node may give work: those whose health it asks for. */
    public List<String> dispatchable() {
        return byName.values().stream()
                .filter(Gateway::hasHookToken)
                .map(Gateway::name)
                .toList();
    }

    /** The names, joined by commas, of those that may be given work and that this node can reach, as far as it knows. */
    public String claimable() {
        return dispatchable().stream()
                .filter(name -> !unreachable.contains(name))
                .collect(Collectors.joining(","));
    }

    /**
     * The parameters of a claim of aborts.
     *
     * @return gateways, those that can be told to stop a run, and withoutToken, the others; names joined by commas
     */
    public Map<String, Object> abortParameters() {
        return Map.of("gateways", names(true), "withoutToken", names(false));
    }

    /**
     * Notes whether this node reaches a gateway. What it cannot reach it leaves to other nodes, which may.
     *
     * @param name the gateway
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
                // Where this node dispatches: one that does not may lack a token that another has.
                .filter(gateway -> gateway.hasHookToken() && gateway.hasOperatorToken() == hasOperatorToken)
                .map(Gateway::name)
                .collect(Collectors.joining(","));
    }
}
