package agentbus.http;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.impl.VertxInternal;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * Gives the HTTP server an idle timeout. Camel 4.17 creates its server with options that set no timeout, so a silent
 * connection would stay open for ever. Camel therefore gets a Vert.x whose HTTP servers close idle connections.
 */
public final class PatientServer {
    private PatientServer() {}

    /**
     * A Vert.x whose HTTP servers close idle connections. The caller closes it.
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
