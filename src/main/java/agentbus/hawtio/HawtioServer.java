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
    /**
     * Seconds until a connection whose request has not arrived as a whole is closed. The JDK has no limit, so as many
     * half requests as there are threads would end the service, before any login. Chosen: a request of Hawtio arrives
     * within milliseconds, also through a tunnel.
     */
    private static final String MOST_SECONDS_OF_A_REQUEST = "5";
    /**
     * Seconds until a connection is closed whose answer has not been taken, such as that of a laptop which sleeps.
     * Chosen: a stop of a route waits for its exchanges, and the page goes slowly through a tunnel.
     */
    private static final String MOST_SECONDS_OF_AN_ANSWER = "300";

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
     * <p>Sets three system properties of the JDK's HTTP server, unless they are set. They have no effect if this process
     * has already started an HTTP server of the JDK, as the demo does for its gateway.
     *
     * @param port the port, or 0 for a free one
     * @return the listener
     * @throws StartFailure when the port is taken
     */
    static HawtioServer bind(int port) {
        // Head and body of an answer are two packets, and without this the second waits 40 ms for the browser.
        setIfAbsent("sun.net.httpserver.nodelay", "true");
        setIfAbsent("sun.net.httpserver.maxReqTime", MOST_SECONDS_OF_A_REQUEST);
        setIfAbsent("sun.net.httpserver.maxRspTime", MOST_SECONDS_OF_AN_ANSWER);
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

    private static void setIfAbsent(String property, String value) {
        if (System.getProperty(property) == null) {
            System.setProperty(property, value);
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
