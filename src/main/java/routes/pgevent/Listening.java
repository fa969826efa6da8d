package routes.pgevent;

import com.impossibl.postgres.api.jdbc.PGConnection;
import com.impossibl.postgres.api.jdbc.PGNotificationListener;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * One connection that listens, from its LISTEN to its end.
 *
 * <p>Its two callbacks run on the driver's I/O thread. Neither may wait: a wait there stops every connection of the
 * driver, the one that would replace this included.
 */
class Listening implements PGNotificationListener {

    private final String channel;
    private final Consumer<String> onPayload;
    private final Semaphore lost = new Semaphore(0);
    private volatile boolean ended;
    private PGConnection connection;

    /**
     * Makes a connection to be opened.
     *
     * @param channel a checked channel name
     * @param onPayload takes each payload; must not wait
     */
    Listening(String channel, Consumer<String> onPayload) {
        this.channel = channel;
        this.onPayload = onPayload;
    }

    /**
     * Connects and listens. May hang as long as the driver does.
     *
     * @param connect opens a connection
     * @return this
     * @throws Exception if the server cannot be reached or refuses; nothing is left open
     */
    Listening open(Callable<PGConnection> connect) throws Exception {
        connection = connect.call();
        try {
            // Before LISTEN, or what comes right after it is lost.
            connection.addNotificationListener(channel, this);
            try (Statement statement = connection.createStatement()) {
                // Quoted, so that a channel may be called "user"; a checked name holds no quotes.
                statement.execute("LISTEN \"" + channel + "\"");
            }
            return this;
        } catch (SQLException | RuntimeException e) {
            close();
            throw e;
        }
    }

    /**
     * Waits for the end of the connection.
     *
     * @param limit how long to wait
     * @return whether it ended
     * @throws InterruptedException if the caller was told to stop
     */
    boolean lostWithin(Duration limit) throws InterruptedException {
        return lost.tryAcquire(limit.toMillis(), TimeUnit.MILLISECONDS);
    }

    /**
     * Asks the server for an answer.
     *
     * @param limit how long it may take, in whole seconds
     * @return whether it came
     * @throws SQLException never, with this driver
     */
    boolean answers(Duration limit) throws SQLException {
        return connection.isValid((int) limit.toSeconds());
    }

    /** Drops whatever still comes: a connection that is given up must not add to its successor's. */
    void end() {
        ended = true;
    }

    /** Closes the connection; may wait for the server. Does nothing if it is closed. */
    void close() {
        end();
        try {
            connection.close();
        } catch (SQLException e) {
            // The driver declares it and does not throw it; a connection that cannot be closed is gone all the same.
            lost.release();
        }
    }

    @Override
    public void notification(int processId, String channelName, String payload) {
        if (!ended) {
            onPayload.accept(payload);
        }
    }

    @Override
    public void closed() {
        lost.release();
    }
}
