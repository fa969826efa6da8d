package routes.pgevent;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.camel.health.HealthCheckResultBuilder;
import org.apache.camel.impl.health.AbstractHealthCheck;

/**
 * Readiness check {@code listener}: whether every started listener of a component hears its channel.
 *
 * <p>UP means that each listener is connected and gave proof of life recently; a component without listeners is UP.
 * DOWN names every channel that is not heard, with the time and the reason. The check is not a liveness check: a
 * restart of the process does not bring a database back. The details of each channel are {@code <channel>.connected},
 * {@code <channel>.since} and {@code <channel>.reconnects}. If several listeners share a channel, an {@code @} and the
 * route's id follow the channel.
 */
public class ListenerHealthCheck extends AbstractHealthCheck {

    /** The id of the check. */
    public static final String ID = "listener";

    private final SupervisedPgEventComponent component;

    ListenerHealthCheck(SupervisedPgEventComponent component) {
        super("agentbus", ID);
        this.component = component;
    }

    @Override
    public boolean isLiveness() {
        return false;
    }

    @Override
    protected void doCall(HealthCheckResultBuilder builder, Map<String, Object> options) {
        List<ListenerStatus> listeners = component.listeners();
        Map<String, Long> perChannel =
                listeners.stream().collect(Collectors.groupingBy(ListenerStatus::channel, Collectors.counting()));
        builder.detail("listeners", listeners.size());
        for (ListenerStatus listener : listeners) {
            boolean shared = perChannel.get(listener.channel()) > 1;
            String name = shared ? listener.channel() + "@" + listener.routeId() : listener.channel();
            builder.detail(name + ".connected", listener.connected());
            builder.detail(name + ".since", listener.since().toString());
            builder.detail(name + ".reconnects", listener.reconnects());
        }
        List<String> deaf =
                listeners.stream().filter(this::isDeaf).map(this::complaint).toList();
        if (deaf.isEmpty()) {
            builder.up();
        } else {
            builder.message(String.join("; ", deaf)).down();
        }
    }

    private boolean isDeaf(ListenerStatus listener) {
        return !listener.connected()
                || listener.quietFor().compareTo(component.times().staleAfter()) > 0;
    }

    private String complaint(ListenerStatus listener) {
        if (listener.connected()) {
            return "channel " + listener.channel() + " gave no sign of life for "
                    + listener.quietFor().toSeconds() + " s";
        }
        String why = listener.lastError() == null ? "not connected yet" : listener.lastError();
        return "channel " + listener.channel() + " is not heard since " + listener.since() + ": " + why;
    }
}
