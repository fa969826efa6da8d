package agentbus.http;

import agentbus.settings.HttpAddress;
import agentbus.settings.StartFailure;
import io.vertx.core.AsyncResult;
import io.vertx.core.Future;
import io.vertx.core.Handler;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.impl.VertxInternal;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;

/**
 * The port of the HTTP server. Camel 4.17 opens its port before the routes run and answers 404 until then, only logs
 * that a port is taken, sets no idle timeout, and speaks HTTP/2 without the limits of HTTP/1.1. Camel therefore gets a
 * Vert.x whose HTTP servers speak HTTP/1.1 only, close idle connections, and listen when {@link #open} is called.
 */
public final class HttpPort {
    private final HttpAddress address;
    private final VertxInternal real = (VertxInternal) Vertx.vertx();
    private final Vertx vertx;
    private final List<Listener> waiting = new ArrayList<>();

    /** A server that is to listen. */
    private record Listener(HttpServer server, int port, String host) {}

    /**
     * A closed port.
     *
     * @param address the address of the server, for messages
     * @param idle how long a connection may be silent in both directions; whole milliseconds
     */
    public HttpPort(HttpAddress address, Duration idle) {
        this.address = address;
        this.vertx = proxy(VertxInternal.class, (method, arguments) -> {
            if (method.getName().equals("createHttpServer")
                    && arguments != null
                    && arguments[0] instanceof HttpServerOptions options) {
                options.setIdleTimeout((int) idle.toMillis())
                        .setIdleTimeoutUnit(TimeUnit.MILLISECONDS)
                        .setHttp2ClearTextEnabled(false);
                return later((HttpServer) method.invoke(real, arguments));
            }
            return method.invoke(real, arguments);
        });
    }

    /** The Vert.x for Camel's HTTP server. */
    public Vertx vertx() {
        return vertx;
    }

    /**
     * Opens the port; callers are served from now on. To be called once, when all routes run.
     *
     * @throws StartFailure when another process has taken the port
     */
    public void open() {
        for (Listener listener : waiting) {
            try {
                listener.server()
                        .listen(listener.port(), listener.host())
                        .toCompletionStage()
                        .toCompletableFuture()
                        .join();
            } catch (CompletionException taken) {
                throw address.taken(taken.getCause());
            }
        }
    }

    /** Closes the Vert.x and all its connections. */
    public void close() {
        real.close().toCompletionStage().toCompletableFuture().join();
    }

    /** The server, except that it reports success at once when it is told to listen, and listens at {@link #open}. */
    private HttpServer later(HttpServer server) {
        HttpServer[] itself = new HttpServer[1];
        itself[0] = proxy(HttpServer.class, (method, arguments) -> {
            if (method.getName().equals("listen")
                    && arguments != null
                    && arguments.length == 3
                    && arguments[2] instanceof Handler<?> told) {
                waiting.add(new Listener(server, (int) arguments[0], (String) arguments[1]));
                tell(told, itself[0]);
                return itself[0];
            }
            if (method.getName().equals("actualPort")) {
                // Camel names its router after this port before the server listens.
                return portOf(server);
            }
            Object answer = method.invoke(server, arguments);
            return answer == server ? itself[0] : answer;
        });
        return itself[0];
    }

    private int portOf(HttpServer server) {
        return waiting.stream()
                .filter(listener -> listener.server() == server)
                .findFirst()
                .map(Listener::port)
                .orElseGet(server::actualPort);
    }

    @SuppressWarnings("unchecked")
    private static void tell(Handler<?> told, HttpServer server) {
        ((Handler<AsyncResult<HttpServer>>) told).handle(Future.succeededFuture(server));
    }

    /** The handling of a call of a method. */
    private interface Call {
        Object run(Method method, Object[] arguments) throws ReflectiveOperationException;
    }

    private static <T> T proxy(Class<T> type, Call call) {
        return type.cast(Proxy.newProxyInstance(
                HttpPort.class.getClassLoader(), new Class<?>[] {type}, (unused, method, arguments) -> {
                    try {
                        return call.run(method, arguments);
                    } catch (InvocationTargetException thrown) {
                        throw thrown.getCause();
                    }
                }));
    }
}
