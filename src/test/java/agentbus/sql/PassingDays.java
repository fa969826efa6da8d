package agentbus.sql;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.springframework.jdbc.core.JdbcTemplate;

/**
 * The times of a table, which a test can move into the past, as if days had passed.
 *
 * @param table the table
 * @param key its primary key
 * @param times its columns with a time
 * @param parts tables whose rows belong to a row of this one and hold its key in the column of the same name, each with
 *     its columns with a time
 */
record PassingDays(String table, String key, List<String> times, Map<String, List<String>> parts) {
    PassingDays(String table, String key, List<String> times) {
        this(table, key, times, Map.of());
    }

    /**
     * Makes every row older. Triggers stay silent, because nobody has changed anything. Each row and its parts have a
     * transaction of their own. One for all rows would lock them in any order, and others that lock two would meet it in a
     * deadlock. One for the row and another for its parts would let a caller write both in between.
     *
     * @param days by so many
     */
    void pass(JdbcTemplate jdbc, int days) {
        StringBuilder updates = new StringBuilder(update(table, times, days));
        parts.forEach((part, columns) -> updates.append('\n').append(update(part, columns, days)));
        jdbc.execute(
                """
                do $$
                declare
                  v_row record;
                begin
                  set session_replication_role = replica;
                  for v_row in select %2$s as key from %1$s loop
                    %3$s
                    commit;
                  end loop;
                  set session_replication_role = origin;
                end
                $$"""
                        .formatted(table, key, updates));
    }

    private String update(String of, List<String> columns, int days) {
        return columns.stream()
                .map(time -> time + " = " + time + " - interval '" + days + " days'")
                .collect(Collectors.joining(", ", "update " + of + " set ", " where " + key + " = v_row.key;"));
    }
}
