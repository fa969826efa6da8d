package agentbus.console.browser;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** The wire between a browser and the bus: passes bytes on, and can cut the stream of the console or stay silent. */
final class Wire implements AutoCloseable {
    private static final byte[] STREAM = "GET /console/events".getBytes(StandardCharsets.US_ASCII);
    private static final int CHUNK = 16_384;

    private final int target;
    private final ServerSocket server;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
    private final Set<Socket> streams = ConcurrentHashMap.newKeySet();
    private volatile boolean refusesStreams;

    /** A wire to a port of this machine. */
    Wire(int target) {
        this.target = target;
        try {
            server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        threads.submit(this::accept);
    }

    /** The address of this end, without a slash at its end. */
    String url() {
        return "http://127.0.0.1:" + server.getLocalPort();
    }

    /** Cuts the open streams, and refuses new ones until {@link #mend()}; other requests pass. */
    void cutStreams() {
        refusesStreams = true;
        List.copyOf(streams).forEach(Wire::close);
    }

    /** Lets new streams pass again. */
    void mend() {
        refusesStreams = false;
    }

    /** The number of streams that are open now. */
    int openStreams() {
        return streams.size();
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket near = server.accept();
                Socket far = new Socket(InetAddress.getLoopbackAddress(), target);
                sockets.add(near);
                sockets.add(far);
                threads.submit(() -> pass(near, far, true));
                threads.submit(() -> pass(far, near, false));
            } catch (IOException closed) {
                // The loop ends when the server is closed; a bus that is away refuses this one connection.
                continue;
            }
        }
    }

    private void pass(Socket from, Socket to, boolean request) {
        byte[] buffer = new byte[CHUNK];
        try (from;
                to) {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                if (request && startsStream(buffer, read)) {
                    if (refusesStreams) {
                        return;
                    }
                    streams.add(from);
                }
                out.write(buffer, 0, read);
                out.flush();
            }
        } catch (IOException cut) {
            // Either end may close at any time; both are closed by now.
            return;
        } finally {
            streams.remove(request ? from : to);
        }
    }

    private static boolean startsStream(byte[] buffer, int read) {
        return read >= STREAM.length && java.util.Arrays.equals(buffer, 0, STREAM.length, STREAM, 0, STREAM.length);
    }

    private static void close(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        try {
            server.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        sockets.forEach(Wire::close);
        threads.shutdownNow();
    }
}
