package agentbus.sql;

import java.util.List;
import java.util.stream.Collectors;
import org.springframework.jdbc.core.JdbcTemplate;

/**
 * The times of a table, which a test can move into the past, as if days had passed.
 *
 * @param table the table
 * @param key its primary key
 * @param times its columns with a time
 */
record PassingDays(String table, String key, List<String> times) {
    /**
     * Makes every row older. Triggers stay silent, because nobody has changed anything. Each row has a transaction of its
     * own: one for all would lock them in any order, and others that lock two would meet it in a deadlock.
     *
     * @param days by so many
     */
    void pass(JdbcTemplate jdbc, int days) {
        String set = times.stream()
                .map(time -> time + " = " + time + " - interval '" + days + " days'")
                .collect(Collectors.joining(", "));
        jdbc.execute(
                """
                do $$
                declare
                  v_row record;
                begin
                  set session_replication_role = replica;
                  for v_row in select %2$s as key from %1$s loop
                    update %1$s set %3$s where %2$s = v_row.key;
                    commit;
                  end loop;
                  set session_replication_role = origin;
                end
                $$"""
                        .formatted(table, key, set));
    }
}
