package agentbus.harness;

import agentbus.db.Database;
import agentbus.db.Migrations;
import agentbus.start.Settings;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.springframework.jdbc.core.JdbcTemplate;

/**
 * Gives each test class a {@link TestDatabase}: a database of its own with the schema in it, copied from a template in the one
 * server that all classes share. Ask for it in a constructor or a {@code @BeforeAll} method.
 */
public final class PostgresExtension implements ParameterResolver {
    private static final Namespace SPACE = Namespace.create(PostgresExtension.class);
    private static final String TEMPLATE = "agentbus_template";

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        return parameter.getParameter().getType() == TestDatabase.class;
    }

    @Override
    public TestDatabase resolveParameter(ParameterContext parameter, ExtensionContext context) {
        Server server =
                context.getRoot().getStore(SPACE).getOrComputeIfAbsent("server", key -> new Server(), Server.class);
        ExtensionContext ofClass = context;
        while (ofClass.getTestMethod().isPresent()) {
            ofClass = ofClass.getParent().orElseThrow();
        }
        return ofClass.getStore(SPACE)
                .getOrComputeIfAbsent("database", key -> server.newDatabase(), TestDatabase.class);
    }

    /** The server, stopped when the last class is done. */
    private static final class Server implements AutoCloseable {
        private final EmbeddedPostgres postgres;
        private final AtomicInteger databases = new AtomicInteger();

        Server() {
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
            Settings settings =
                    Settings.load(Path.of("target"), Map.of(), Map.of("agentbus.database.url", url(TEMPLATE)));
            try (Database database = Database.open(settings)) {
                new Migrations(database).run();
            }
        }

        TestDatabase newDatabase() {
            String name = "agentbus_" + databases.incrementAndGet();
            admin().execute("create database " + name + " template " + TEMPLATE);
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
}
