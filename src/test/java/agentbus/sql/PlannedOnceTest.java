package agentbus.sql;

import static agentbus.sql.Machine.D1;
import static agentbus.sql.Machine.json;
import static org.junit.jupiter.api.Assertions.assertEquals;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

/**
 * Postgres plans the query of a function in the language sql anew in each call, unless it can put the query into that of
 * the caller. For a small query that costs more than its rows. So what runs for each job uses plpgsql, which keeps plans.
 */
@ExtendWith(PostgresExtension.class)
class PlannedOnceTest {
    /** The functions of this transaction that were called, are in the language sql, and read rows. */
    private static final String PLANNED_ANEW =
            """
            select p.proname || ' ' || f.calls
            from pg_stat_xact_user_functions f
            join pg_proc p on p.oid = f.funcid
            join pg_language l on l.oid = p.prolang
            where l.lanname = 'sql' and p.prosrc ~* '\\mfrom\\M'
            order by 1""";

    private Machine all;

    @BeforeEach
    void empty(TestDatabase database) {
        all = Machine.fresh(database);
    }

    /** The life of a job, step by step, each step in a transaction of its own. */
    private static final class Life {
        private final Connection connection;
        private final Machine bus;
        private final RememberedLessons memory;
        private final List<String> planned = new ArrayList<>();

        Life(Connection connection, Machine bus, RememberedLessons memory) {
            this.connection = connection;
            this.bus = bus;
            this.memory = memory;
        }

        interface Step<T> {
            T run();
        }

        private <T> T step(String name, Step<T> step) throws SQLException {
            T result = step.run();
            bus.jdbc()
                    .queryForList(PLANNED_ANEW, String.class)
                    .forEach(function -> planned.add(name + ": " + function));
            connection.commit();
            return result;
        }

        List<String> run() throws SQLException {
            step("enqueue", () -> bus.enqueue("payload", json("service", "web-1", "task", "restart ERR-42")));
            Attempt attempt = step("claim", bus::claim);
            step("memories", () -> memory.inject(attempt));
            step("prompt", () -> bus.keepPrompt(D1, attempt, "prompt"));
            step("admitted", () -> bus.jdbc()
                    .queryForList(
                            "select o_answer::text from hooks_admitted(?, array[?::uuid], '{run}', '{session}')",
                            D1,
                            attempt.id()));
            step("progress", () -> bus.say(attempt, "report_progress", "note", "half done"));
            step("complete", () -> bus.jdbc()
                    .queryForList(
                            "select o_answer::text from complete_jobs(array[?::uuid], array[?::jsonb])",
                            attempt.id(),
                            json("jobId", attempt.job(), "summary", "done").toString()));
            assertEquals("succeeded", bus.state(attempt.job()));
            connection.commit();
            return planned;
        }
    }

    @Test
    void what_runs_for_each_job_is_not_planned_anew_for_each() throws SQLException {
        try (Connection connection = all.jdbc().getDataSource().getConnection()) {
            connection.setAutoCommit(false);
            Machine bus = Machine.on(new SingleConnectionDataSource(connection, true));
            RememberedLessons memory = new RememberedLessons(bus);
            memory.add("web-1");
            memory.add("web-2");
            bus.jdbc().execute("set track_functions = 'all'");
            connection.commit();
            List<String> found = List.of();
            // The first lives prepare statements and plans.
            for (int life = 0; life < 3; life++) {
                found = new Life(connection, bus, memory).run();
            }
            connection.rollback();
            bus.jdbc().execute("reset track_functions");
            connection.setAutoCommit(true);

            assertEquals(List.of(), found);
        }
    }
}
