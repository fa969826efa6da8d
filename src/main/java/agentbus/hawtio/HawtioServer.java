package agentbus.hawtio;

import agentbus.settings.StartFailure;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The listener of Hawtio and Jolokia, on loopback only. It has one context, so one handler sees every request, whatever
 * its path is.
 */
public final class HawtioServer implements AutoCloseable {
    /** The setting of its port; empty while Hawtio is off. */
    public static final String PORT = "agentbus.jolokia.port";

    private static final String HOST = "127.0.0.1";
    /** Chosen: a page of Hawtio has several requests under way, and a slow dump must not keep the others waiting. */
    private static final int THREADS = 4;

    private final HttpServer server;
    private final ExecutorService threads;
    private final AtomicBoolean closed = new AtomicBoolean();

    private HawtioServer(HttpServer server, ExecutorService threads) {
        this.server = server;
        this.threads = threads;
    }

    /**
     * Takes the port; requests wait until {@link #start}.
     *
     * @param port the port, or 0 for a free one
     * @return the listener
     * @throws StartFailure when the port is taken
     */
    static HawtioServer bind(int port) {
        // Head and body of an answer are two packets, and without this the second waits 40 ms for the browser.
        System.setProperty("sun.net.httpserver.nodelay", "true");
        try {
            HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getByName(HOST), port), 0);
            AtomicInteger number = new AtomicInteger();
            ExecutorService threads = Executors.newFixedThreadPool(THREADS, work -> {
                Thread thread = new Thread(work, "hawtio-" + number.incrementAndGet());
                thread.setDaemon(true);
                return thread;
            });
            server.setExecutor(threads);
            return new HawtioServer(server, threads);
        } catch (IOException taken) {
            throw new StartFailure(
                    "cannot listen on " + HOST + ":" + port + ": " + taken.getMessage()
                            + "; stop what uses the port, or" + " set " + PORT + " (AGENTBUS_JOLOKIA_PORT) to another",
                    taken);
        }
    }

    /**
     * Answers requests from now on.
     *
     * @param door answers each of them
     */
    void start(HttpHandler door) {
        server.createContext("/", door);
        server.start();
    }

    /** The address of Hawtio's first page. */
    public String url() {
        return url(server.getAddress().getPort());
    }

    /**
     * The address of Hawtio's first page.
     *
     * @param port the port of the listener
     * @return an http URL that ends with a slash
     */
    static String url(int port) {
        return "http://" + HOST + ":" + port + HawtioFiles.BASE;
    }

    /** Ends the listener and its connections. A second call does nothing. */
    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            server.stop(0);
            threads.shutdownNow();
        }
    }
}
