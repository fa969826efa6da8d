package agentbus.harness;

import agentbus.db.Database;
import agentbus.db.Migrations;
import agentbus.settings.Settings;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.springframework.jdbc.core.JdbcTemplate;

/** A Postgres with a template database, from which each test class gets its own copy. */
public final class TestServer implements AutoCloseable {
    private static final String TEMPLATE = "agentbus_template";

    private static TestServer shared;

    private final EmbeddedPostgres postgres;
    private final AtomicInteger databases = new AtomicInteger();

    /** Starts the server and migrates the template. */
    public TestServer() {
        try {
            postgres = EmbeddedPostgres.builder()
                    .setPGStartupWait(Duration.ofSeconds(60))
                    .setServerConfig("max_connections", "200")
                    .setServerConfig("listen_addresses", "127.0.0.1")
                    .start();
        } catch (IOException e) {
            throw new IllegalStateException("the tests' Postgres does not start", e);
        }
        admin().execute("create database " + TEMPLATE);
        Settings settings = Settings.load(Path.of("target"), Map.of(), Map.of("agentbus.database.url", url(TEMPLATE)));
        try (Database database = Database.open(settings)) {
            new Migrations(database).run();
        }
    }

    /**
     * The server that all test classes of this process share, because its start and the migrations take seconds. It is
     * static: when several processes share the classes, Surefire runs each class in an execution of its own, and jqwik
     * knows no extensions of JUnit.
     *
     * @return a server that runs until the process ends
     */
    public static synchronized TestServer shared() {
        if (shared == null) {
            shared = new TestServer();
        }
        return shared;
    }

    /**
     * Copies the template database.
     *
     * @return a new database; the caller closes it
     */
    public TestDatabase newDatabase() {
        String name = "agentbus_" + databases.incrementAndGet();
        // A copy of the files takes half the time of the default, which writes each page to the log.
        admin().execute("create database " + name + " template " + TEMPLATE + " strategy file_copy");
        return new TestDatabase(postgres.getPort(), name, admin());
    }

    private String url(String database) {
        return "postgresql://postgres@127.0.0.1:" + postgres.getPort() + "/" + database;
    }

    private JdbcTemplate admin() {
        return new JdbcTemplate(postgres.getPostgresDatabase());
    }

    @Override
    public void close() throws IOException {
        postgres.close();
    }
}
