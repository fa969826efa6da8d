package agentbus.backup;

import agentbus.harness.TestDatabase;
import java.util.concurrent.atomic.AtomicInteger;
import org.postgresql.ds.PGSimpleDataSource;
import org.springframework.jdbc.core.JdbcTemplate;

/** A database without anything in it, on the server of the tests. */
final class EmptyDatabase implements AutoCloseable {
    private static final AtomicInteger NUMBER = new AtomicInteger();

    private final JdbcTemplate admin;
    private final String name;
    private final String url;

    EmptyDatabase(TestDatabase beside) {
        this.admin = beside.jdbc();
        String current = admin.queryForObject("select current_database()", String.class);
        this.name = current + "_restored_" + NUMBER.incrementAndGet();
        admin.execute("create database " + name + " template template0");
        this.url = beside.url().replace("/" + current, "/" + name);
    }

    String url() {
        return url;
    }

    JdbcTemplate jdbc() {
        PGSimpleDataSource source = new PGSimpleDataSource();
        source.setUrl("jdbc:" + url.replace("postgres@", "") + "?currentSchema=agentbus&user=postgres");
        return new JdbcTemplate(source);
    }

    @Override
    public void close() {
        admin.execute("drop database " + name + " with (force)");
    }
}
