import com.github.kagkarlsson.scheduler.Scheduler;
import com.github.kagkarlsson.scheduler.task.TaskInstance;
import com.github.kagkarlsson.scheduler.task.helper.OneTimeTask;
import com.github.kagkarlsson.scheduler.task.helper.Tasks;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.Properties;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import javax.sql.DataSource;

/**
 * db-scheduler as a side of {@code agentbus bench peers}. One job is one POST to the hook; the scheduler then deletes
 * the job. The bench writes one command a line to the standard input, and reads one answer a line:
 *
 * <pre>
 * fill jobs          queues jobs while no scheduler runs: filled
 * work atOnce        starts the scheduler, waits until the queue is empty: worked microseconds
 * rate jobs second   queues jobs at this rate while the scheduler runs, waits until the queue is empty: rated
 * </pre>
 *
 * <p>The end of the input ends the process. Read from the environment: HOOK, JDBC_URL, PGUSER and PGPASSWORD.
 */
final class DbSchedulerPeer {
    /** As many callers as those of the bench, which queues the jobs of the bus. */
    private static final int CALLERS = 8;
    /** Chosen: twice the default of HikariCP, so that 50 jobs at once wait less for a connection. */
    private static final int CONNECTIONS = 20;

    private static final long CHECK_MS = 10;
    private static final String TABLE = "db_scheduler.scheduled_tasks";
    private static final String PADDING = "x".repeat(600);
    private static final String VERSIONS = "/META-INF/maven/com.github.kagkarlsson/db-scheduler/pom.properties";

    private final DataSource source;
    private final URI hook;
    private final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final OneTimeTask<Long> task;
    private final AtomicInteger made = new AtomicInteger();
    private final AtomicInteger done = new AtomicInteger();
    private Scheduler scheduler;

    private DbSchedulerPeer(DataSource source, URI hook) {
        this.source = source;
        this.hook = hook;
        this.task = Tasks.oneTime("hook", Long.class).execute((job, context) -> callHook(job));
    }

    /**
     * Makes the table, and obeys the commands until the input ends.
     *
     * @param args none
     * @throws Exception when a command fails; the process then ends with the reason on the standard error output
     */
    public static void main(String[] args) throws Exception {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(System.getenv("JDBC_URL"));
        config.setUsername(System.getenv("PGUSER"));
        config.setPassword(System.getenv("PGPASSWORD"));
        config.setMaximumPoolSize(CONNECTIONS);
        DbSchedulerPeer peer = new DbSchedulerPeer(new HikariDataSource(config), URI.create(System.getenv("HOOK")));
        peer.makeTable();
        BlockingQueue<String> commands = new LinkedBlockingQueue<>();
        Thread reader = new Thread(() -> read(commands), "commands");
        reader.setDaemon(true);
        reader.start();
        System.out.println("ready db-scheduler " + version());
        try {
            while (true) {
                System.out.println(peer.obey(commands.take().split(" ")));
            }
        } catch (Exception failed) {
            failed.printStackTrace();
            Runtime.getRuntime().halt(1);
        }
    }

    /** Hands over the commands. Ends the process at the end of the input, also in the middle of a command. */
    private static void read(BlockingQueue<String> commands) {
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                commands.add(line);
            }
        } catch (IOException broken) {
            // A broken input also means that the bench has ended.
        }
        Runtime.getRuntime().halt(0);
    }

    private String obey(String[] words) throws Exception {
        return switch (words[0]) {
            case "fill" -> fill(Integer.parseInt(words[1]));
            case "work" -> work(Integer.parseInt(words[1]));
            case "rate" -> rate(Integer.parseInt(words[1]), Integer.parseInt(words[2]));
            default -> throw new IllegalArgumentException("unknown command " + words[0]);
        };
    }

    private String fill(int jobs) {
        if (scheduler != null) {
            scheduler.stop();
        }
        // A scheduler does not start again after its end, and one that has not started queues only.
        scheduler = null;
        Instant now = Instant.now();
        scheduler(1)
                .scheduleBatch(Stream.<TaskInstance<?>>generate(() -> job(0L)).limit(jobs), now);
        return "filled";
    }

    private String work(int atOnce) throws Exception {
        long began = System.nanoTime();
        scheduler = scheduler(atOnce);
        scheduler.start();
        untilEmpty();
        return "worked " + (System.nanoTime() - began) / 1000;
    }

    /** Each call is made on time, even while earlier ones have no answer. */
    private String rate(int jobs, int second) throws Exception {
        ScheduledExecutorService callers = Executors.newScheduledThreadPool(CALLERS);
        CountDownLatch sent = new CountDownLatch(jobs);
        for (int n = 0; n < jobs; n++) {
            callers.schedule(
                    () -> {
                        scheduler.schedule(job(micros()), Instant.now());
                        sent.countDown();
                    },
                    n * 1_000_000_000L / second,
                    TimeUnit.NANOSECONDS);
        }
        sent.await();
        callers.shutdown();
        untilEmpty();
        return "rated";
    }

    /** The way to fetch that db-scheduler's documentation recommends for many jobs, with its numbers. */
    private Scheduler scheduler(int threads) {
        return Scheduler.create(source, task)
                .tableName(TABLE)
                .threads(threads)
                .pollUsingLockAndFetch(0.5, 4.0)
                .enableImmediateExecution()
                .build();
    }

    private TaskInstance<Long> job(long sentAtMicros) {
        return task.instance("db-scheduler-" + made.incrementAndGet(), sentAtMicros);
    }

    private void callHook(TaskInstance<Long> job) {
        String body = "{\"agentId\":\"peer\",\"name\":\"bench\",\"message\":\"" + PADDING + " {\\\"sentAtMicros\\\":"
                + job.getData() + "}\",\"deliver\":false}";
        HttpRequest request = HttpRequest.newBuilder(hook)
                .header("Content-Type", "application/json")
                .header("Idempotency-Key", job.getId())
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build();
        try {
            int status =
                    http.send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
            if (status != 200) {
                throw new IllegalStateException("hook: " + status);
            }
        } catch (IOException broken) {
            throw new UncheckedIOException(broken);
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", stopped);
        }
        done.incrementAndGet();
    }

    /** The jobs in memory come first, because counting a long queue would slow the scheduler down. */
    private void untilEmpty() throws Exception {
        while (done.get() < made.get()) {
            Thread.sleep(CHECK_MS);
        }
        while (pending() > 0) {
            Thread.sleep(CHECK_MS);
        }
    }

    private long pending() throws SQLException {
        try (Connection connection = source.getConnection();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(resource("/pending.sql"))) {
            rows.next();
            return rows.getLong(1);
        }
    }

    private void makeTable() throws SQLException {
        try (Connection connection = source.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(resource("/tables.sql"));
        }
    }

    private static String version() throws IOException {
        Properties properties = new Properties();
        try (InputStream in = Scheduler.class.getResourceAsStream(VERSIONS)) {
            properties.load(in);
        }
        return properties.getProperty("version");
    }

    private static String resource(String name) {
        try (InputStream in = DbSchedulerPeer.class.getResourceAsStream(name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException broken) {
            throw new UncheckedIOException(broken);
        }
    }

    private static long micros() {
        Instant now = Instant.now();
        return now.getEpochSecond() * 1_000_000 + now.getNano() / 1000;
    }
}
