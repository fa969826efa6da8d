package agentbus.sql;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

/**
 * A clock of the test's own for every function on one connection: {@code now()} and its relatives stand in front of those of
 * Postgres, and so do the defaults of the columns. Only for the database of one test class, which it changes for good.
 */
final class VirtualClock implements AutoCloseable {
    private static final String FUNCTIONS =
            """
            do $$
            declare
              c record;
            begin
              for c in
                select a.attrelid::regclass as relation, a.attname
                from pg_attrdef d
                join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
                where pg_get_expr(d.adbin, d.adrelid) = 'now()'
              loop
                execute format('alter table %s alter column %I set default '
                  'coalesce(current_setting(''test.now'', true)::timestamptz, pg_catalog.now())', c.relation, c.attname);
              end loop;
            end
            $$;
            create function now() returns timestamptz language sql stable as
              $$ select current_setting('test.now')::timestamptz $$;
            create function statement_timestamp() returns timestamptz language sql stable as
              $$ select current_setting('test.now')::timestamptz $$;
            create function clock_timestamp() returns timestamptz language sql volatile as
              $$ select current_setting('test.now')::timestamptz $$;
            set search_path = agentbus, pg_catalog""";

    private final Connection connection;
    private final JdbcTemplate jdbc;

    /** Puts the clock of a connection of the database to a time. */
    VirtualClock(JdbcTemplate database, Instant begin) throws SQLException {
        connection = database.getDataSource().getConnection();
        jdbc = new JdbcTemplate(new SingleConnectionDataSource(connection, true));
        set(begin);
        jdbc.execute(FUNCTIONS);
    }

    /** The connection with this clock. */
    JdbcTemplate jdbc() {
        return jdbc;
    }

    /** Puts the clock forward. */
    void set(Instant now) {
        jdbc.queryForObject("select set_config('test.now', ?, false)", String.class, now.toString());
    }

    @Override
    public void close() throws SQLException {
        jdbc.execute("drop function now(), statement_timestamp(), clock_timestamp(); reset search_path");
        connection.close();
    }
}
