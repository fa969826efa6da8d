package agentbus.harness;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.IThrowableProxy;
import ch.qos.logback.core.AppenderBase;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.slf4j.LoggerFactory;

/** Captures the log from its start to its close: INFO of all loggers, DEBUG of the bus's loggers. */
public final class LogCapture implements AutoCloseable {
    private static final List<String> OURS = List.of("agentbus", "routes");

    private final Queue<String> lines = new ConcurrentLinkedQueue<>();
    private final Logger root = logger(Logger.ROOT_LOGGER_NAME);
    private final Level levelBefore = root.getLevel();
    private final AppenderBase<ILoggingEvent> appender = new AppenderBase<>() {
        @Override
        protected void append(ILoggingEvent event) {
            lines.add(text(event));
        }
    };

    /** Starts capturing. */
    public LogCapture() {
        appender.setContext(root.getLoggerContext());
        appender.start();
        root.addAppender(appender);
        root.setLevel(Level.INFO);
        OURS.forEach(name -> logger(name).setLevel(Level.DEBUG));
    }

    /**
     * The log so far.
     *
     * @return one entry per event: level, logger, message, exception
     */
    public List<String> lines() {
        return List.copyOf(lines);
    }

    @Override
    public void close() {
        OURS.forEach(name -> logger(name).setLevel(null));
        root.setLevel(levelBefore);
        root.detachAppender(appender);
        appender.stop();
    }

    private static Logger logger(String name) {
        return (Logger) LoggerFactory.getLogger(name);
    }

    private static String text(ILoggingEvent event) {
        StringBuilder text =
                new StringBuilder(event.getLevel() + " " + event.getLoggerName() + " " + event.getFormattedMessage());
        for (IThrowableProxy thrown = event.getThrowableProxy(); thrown != null; thrown = thrown.getCause()) {
            text.append(" | ").append(thrown.getClassName()).append(": ").append(thrown.getMessage());
        }
        return text.toString();
    }
}
