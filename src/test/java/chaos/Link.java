package chaos;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A network link at 127.0.0.1. A connection goes to the first of the ends that answers, and each connection starts with the
 * next end. A frozen link keeps connections open and passes nothing on; a cut one resets them.
 */
final class Link implements AutoCloseable {
    private static final int CONNECT_MS = 1000;
    private static final int BUFFER = 16_384;

    private final ServerSocket door;
    private final List<Integer> ends = new CopyOnWriteArrayList<>();
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();
    private final AtomicInteger turn = new AtomicInteger();
    private final Object thaw = new Object();
    private boolean frozen;

    /** A link to ports of 127.0.0.1. */
    Link(Integer... ports) {
        ends.addAll(List.of(ports));
        try {
            door = new ServerSocket(0, 200, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        daemon("link-" + port(), this::accept);
    }

    /** Where it listens. */
    int port() {
        return door.getLocalPort();
    }

    /** Adds an end. */
    void add(int port) {
        ends.add(port);
    }

    /** Removes an end; connections to it stay. */
    void remove(int port) {
        ends.remove(Integer.valueOf(port));
    }

    /** From now on the link holds back all bytes and closes no connection: connections are half-open. */
    void freeze() {
        synchronized (thaw) {
            frozen = true;
        }
    }

    /** Passes on the bytes that have waited. */
    void thaw() {
        synchronized (thaw) {
            frozen = false;
            thaw.notifyAll();
        }
    }

    /** Resets every connection. */
    void cut() {
        open.forEach(Link::closeQuietly);
    }

    private void accept() {
        while (!door.isClosed()) {
            try {
                Socket near = door.accept();
                open.add(near);
                daemon("link-open", () -> connect(near));
            } catch (IOException closed) {
                return;
            }
        }
    }

    private void connect(Socket near) {
        pass();
        List<Integer> now = List.copyOf(ends);
        int first = turn.getAndIncrement();
        for (int i = 0; i < now.size(); i++) {
            Socket far = new Socket();
            try {
                far.connect(
                        new InetSocketAddress(
                                InetAddress.getLoopbackAddress(), now.get(Math.floorMod(first + i, now.size()))),
                        CONNECT_MS);
                far.setTcpNoDelay(true);
                near.setTcpNoDelay(true);
                open.add(far);
                daemon("link-out", () -> pump(near, far));
                pump(far, near);
                return;
            } catch (IOException notThere) {
                closeQuietly(far);
            }
        }
        forget(near);
    }

    private void pump(Socket from, Socket to) {
        byte[] buffer = new byte[BUFFER];
        try {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                pass();
                out.write(buffer, 0, read);
            }
        } catch (IOException over) {
            // One side has closed, so the other is closed, too.
        }
        pass();
        forget(from);
        forget(to);
    }

    private void pass() {
        synchronized (thaw) {
            while (frozen && !door.isClosed()) {
                try {
                    thaw.wait(1000);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    return;
                }
            }
        }
    }

    private void forget(Socket socket) {
        open.remove(socket);
        closeQuietly(socket);
    }

    private static void closeQuietly(Socket socket) {
        try {
            // Zero linger sends a reset in place of an orderly close.
            socket.setSoLinger(true, 0);
            socket.close();
        } catch (IOException alreadyGone) {
            // The socket is closed already.
        }
    }

    private static void daemon(String name, Runnable task) {
        Thread thread = new Thread(task, name);
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public void close() {
        try {
            door.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        thaw();
        cut();
    }
}
