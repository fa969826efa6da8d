package agentbus.sql;

import java.util.List;
import org.springframework.jdbc.core.JdbcTemplate;

/** The rules that must hold of the tables after every operation; a restore drill checks the same function. */
public final class Invariants {
    private Invariants() {}

    /**
     * Looks at every table.
     *
     * @param jdbc statements in the schema
     * @return what is broken and for which job, empty when nothing is
     */
    public static List<String> broken(JdbcTemplate jdbc) {
        return jdbc.queryForList("select what || ': ' || id from broken_invariants()", String.class);
    }
}
