package agentbus.http;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.impl.VertxInternal;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * The HTTP server's patience. Camel 4.17 makes its server from options of its own and sets no timeout in them, so that a
 * connection on which nothing comes would be kept for ever. This is the Vert.x that it is given: every server made by it
 * closes a connection that has been idle for too long.
 */
public final class PatientServer {
    private PatientServer() {}

    /**
     * A Vert.x whose HTTP servers close idle connections. Whoever asks for it closes it.
     *
     * @param idle how long a connection may be silent in both directions; whole milliseconds
     * @return a running Vert.x
     */
    public static Vertx vertx(Duration idle) {
        VertxInternal real = (VertxInternal) Vertx.vertx();
        return (Vertx) Proxy.newProxyInstance(
                PatientServer.class.getClassLoader(), new Class<?>[] {VertxInternal.class}, (proxy, method, args) -> {
                    if (method.getName().equals("createHttpServer")
                            && args != null
                            && args[0] instanceof HttpServerOptions options) {
                        options.setIdleTimeout((int) idle.toMillis()).setIdleTimeoutUnit(TimeUnit.MILLISECONDS);
                    }
                    try {
                        return method.invoke(real, args);
                    } catch (InvocationTargetException thrown) {
                        throw thrown.getCause();
                    }
                });
    }
}
