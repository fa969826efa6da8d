package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Functions say of themselves how much they depend on. Postgres puts the body of a small SQL function in place of its
 * call, but not when the function is marked immutable and its body calls a function that is not: such a call costs some
 * ten times as much (40 in place of 4 µs for needs_action, 2026-11-28).
 */
@ExtendWith(PostgresExtension.class)
class VolatilityTest {
    private final TestDatabase database;

    VolatilityTest(TestDatabase database) {
        this.database = database;
    }

    @Test
    void a_function_in_sql_that_is_marked_immutable_calls_only_immutable_ones() {
        assertEquals(
                List.of(),
                database.jdbc()
                        .queryForList(
                                """
                                with mutable as (
                                  select proname
                                  from pg_proc
                                  where pronamespace in ('pg_catalog'::regnamespace, current_schema()::regnamespace)
                                    and prokind in ('f', 'a')
                                  group by proname
                                  having bool_and(provolatile <> 'i')
                                )
                                select distinct f.proname || ' calls ' || m.proname
                                from pg_proc f
                                join pg_language l on l.oid = f.prolang and l.lanname = 'sql'
                                join mutable m on f.prosrc ~ ('\\m' || m.proname || '\\s*\\(') and m.proname <> f.proname
                                where f.pronamespace = current_schema()::regnamespace
                                  and f.provolatile = 'i'
                                order by 1""",
                                String.class));
    }
}
