package routes.pgevent;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;
import org.apache.camel.Message;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.health.HealthCheck;
import org.apache.camel.health.HealthCheckHelper;
import org.apache.camel.impl.DefaultCamelContext;

/** A context with one route that hears a channel and keeps what came. */
final class Ear implements AutoCloseable {

    static final String ROUTE = "hear";
    /** A payload that the route throws on. */
    static final String POISON = "poison";

    /** Taken by a test, it holds the route. */
    final Semaphore gate = new Semaphore(1);

    final List<String> payloads = new CopyOnWriteArrayList<>();
    final AtomicInteger resyncs = new AtomicInteger();
    final SupervisedPgEventComponent component;
    final DefaultCamelContext context = new DefaultCamelContext();

    Ear(SupervisedPgEventComponent component, String uri) throws Exception {
        this.component = component;
        context.getRegistry().bind("pgevent", component);
        context.addRoutes(new RouteBuilder() {
            @Override
            public void configure() {
                from(uri).routeId(ROUTE).process(exchange -> hear(exchange.getMessage()));
            }
        });
        context.start();
    }

    private void hear(Message message) throws InterruptedException {
        gate.acquire();
        gate.release();
        if (message.getHeader(SupervisedPgEventComponent.RESYNC_HEADER, false, Boolean.class)) {
            resyncs.incrementAndGet();
        } else if (POISON.equals(message.getBody(String.class))) {
            throw new IllegalArgumentException("cannot use " + POISON);
        } else {
            payloads.add(message.getHeader("channel") + ":" + message.getBody(String.class));
        }
    }

    static Ear at(DataSource server, String channel) throws Exception {
        return new Ear(new SupervisedPgEventComponent(server, ListenTimes.defaults()), "pgevent:" + channel);
    }

    ListenerStatus status() {
        return component.listeners().get(0);
    }

    boolean connected() {
        return status().connected();
    }

    HealthCheck.Result readiness() {
        return HealthCheckHelper.invokeReadiness(context).stream()
                .filter(result -> result.getCheck().getId().equals(ListenerHealthCheck.ID))
                .findFirst()
                .orElseThrow();
    }

    static long threads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().contains("pgevent"))
                .count();
    }

    @Override
    public void close() {
        context.stop();
    }
}
