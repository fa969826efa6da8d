package chaos;

import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.TestServer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * What a call costs beside much that does not concern it, divided by what it costs without: pages of the database that it
 * looks at, and the median of its time. Both databases are in one server and are measured in turn, so that other load on the
 * machine slows both. Each call is rolled back.
 *
 * <p>{@code ./mvnw test -Pgrowth -Dtest=FlatCostTest} prints the table of docs/reliability.md; {@code
 * -Dgrowth.history=10000000} takes another number of finished jobs. The chaos profile runs it with small numbers.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class FlatCostTest {
    private static final int HISTORY = Integer.getInteger("growth.history", 40_000);
    private static final int BACKLOG = Integer.getInteger("growth.backlog", 4_000);
    /** Jobs that move while the transaction is held open. */
    private static final int MOVED = BACKLOG / 5;

    private static final int WIDE = BACKLOG / 10;
    private static final int OPEN = 1000;
    private static final int ROUNDS = 40;
    /** The promised limit of the time, and the factor for a shared machine. */
    private static final double TARGET = 1.2;

    private static final double ALLOWANCE = 1.25;
    /** Chosen: each level that an index gains is one page more for each of its entries that a call reads or writes. */
    private static final double PAGES = 1.5;

    private static final String OPERATOR = "'{\"kind\": \"operator\", \"name\": \"anna\"}'";
    private static final String CLAIM_ONE =
            """
            create temp table mine on commit drop as
            select c ->> 'jobId' as job, (c ->> 'attemptId')::uuid as attempt from claim_for_dispatch('d', 1, 60000) c;
            select hook_admitted('d', attempt, 'r', 's') from mine""";
    private static final String CLOSE =
            """
            select complete_job(authenticate_attempt((select attempt from mine)),
              jsonb_build_object('jobId', (select job from mine), 'summary', 'done'))""";

    /** A call: the statements that prepare it in the same transaction, and the statement that is measured. */
    private record Call(String name, String before, String statement) {}

    private static final List<Call> CALLS = List.of(
            new Call("claim of 10", "", "select claim_for_dispatch('d', 10, 60000)"),
            new Call(
                    "enqueue",
                    "",
                    "select enqueue_job(" + OPERATOR + ", '{\"targetAgent\": \"agent-1\", \"subject\": \"work\"}')"),
            new Call("close", CLAIM_ONE, CLOSE),
            new Call("list", "", "select list_jobs(" + OPERATOR + ", '{}')"),
            new Call("health", "", "select health(" + OPERATOR + ", '{}')"));

    private final List<String> table = new ArrayList<>();
    private final List<String> steep = new ArrayList<>();
    private TestServer server;

    @BeforeAll
    void start() {
        server = new TestServer();
    }

    @AfterAll
    void stop() throws Exception {
        server.close();
        System.out.println("\n| condition | call | pages without | with | ratio | ms without | with | ratio |"
                + "\n| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |");
        table.forEach(System.out::println);
        System.out.println();
    }

    private Queue queue(int queued) throws SQLException {
        Queue queue = new Queue(server.newDatabase());
        queue.jdbc()
                .update("update agents set paused_at = null; insert into agents (namespace, agent_id, accepts,"
                        + " max_concurrency, paused_at, paused_by, paused_reason)"
                        + " values ('default', 'paused', '{work}', 50, now(), 'anna', 'later')");
        queue.fillFast(0, queued, 0);
        return queue;
    }

    @Test
    void calls_cost_the_same_beside_finished_jobs() throws SQLException {
        try (Queue without = queue(OPEN);
                Queue with = queue(0)) {
            with.fillFast(HISTORY, OPEN, 0);
            compare("%,d finished jobs".formatted(HISTORY), without, with, CALLS);
        }
        assertFlat();
    }

    @Test
    void calls_cost_the_same_beside_the_backlog_of_a_paused_agent() throws SQLException {
        try (Queue without = queue(OPEN);
                Queue with = queue(0)) {
            with.fillFast(0, OPEN, BACKLOG - OPEN);
            compare("%,d queued jobs of a paused agent".formatted(BACKLOG - OPEN), without, with, CALLS);
        }
        assertFlat();
    }

    @Test
    void calls_cost_the_same_beside_a_transaction_that_has_written_and_stays_open() throws SQLException {
        try (Queue without = queue(0);
                Queue with = queue(0);
                Connection holder = with.jdbc().getDataSource().getConnection()) {
            without.move(MOVED);
            holder.setAutoCommit(false);
            holder.createStatement().execute("select pg_current_xact_id()");
            with.move(MOVED);
            without.enqueue(OPEN);
            with.enqueue(OPEN);
            without.jdbc().execute("vacuum analyze");
            with.jdbc().execute("vacuum analyze");
            compare("a transaction open that has written, %,d jobs done".formatted(MOVED), without, with, CALLS);
            holder.rollback();
            holder.setAutoCommit(true);
        }
        assertFlat();
    }

    @Test
    void calls_about_a_parent_cost_the_same_with_many_children() throws SQLException {
        try (Queue without = queue(OPEN);
                Queue with = queue(OPEN)) {
            String few = without.family(20);
            String many = with.family(WIDE);
            String child = "select enqueue_job(" + OPERATOR
                    + ", jsonb_build_object('targetAgent', 'agent-1', 'subject', 'work', 'parentJobId', '%s'))";
            String list = "select list_jobs(" + OPERATOR + ", '{\"parentJobId\": \"%s\", \"limit\": 10}')";
            String cancel = "select cancel_job(" + OPERATOR + ", '{\"jobId\": \"%s\", \"reason\": \"measured\"}')";
            String condition = "%,d children of one parent".formatted(WIDE);
            compare(condition, without, with, CALLS);
            compare(condition, without, with, "enqueue of a child", child.formatted(few), child.formatted(many));
            compare(condition, without, with, "list of children", list.formatted(few), list.formatted(many));
            // A full batch against many: the others follow behind the answer.
            try (Queue batch = queue(0)) {
                String full = batch.family(batch.jdbc().queryForObject("select cascade_batch() + 1", Integer.class));
                compare(condition, batch, with, "cancel of the parent", cancel.formatted(full), cancel.formatted(many));
            }
        }
        assertFlat();
    }

    @Test
    void the_end_of_a_job_costs_the_same_with_many_jobs_that_wait_for_it() throws SQLException {
        try (Queue without = queue(OPEN);
                Queue with = queue(OPEN)) {
            without.dependents(without.jdbc().queryForObject("select cascade_batch() + 1", Integer.class));
            with.dependents(WIDE);
            compare("%,d jobs that wait for one".formatted(WIDE), without, with, CALLS);
        }
        assertFlat();
    }

    private void assertFlat() {
        assertTrue(steep.isEmpty(), String.join("\n", steep));
    }

    private void compare(String condition, Queue without, Queue with, List<Call> calls) throws SQLException {
        for (Call call : calls) {
            compare(condition, without, with, call.name(), call, call);
        }
    }

    private void compare(String condition, Queue without, Queue with, String name, String few, String many)
            throws SQLException {
        compare(condition, without, with, name, new Call(name, "", few), new Call(name, "", many));
    }

    private void compare(String condition, Queue without, Queue with, String name, Call few, Call many)
            throws SQLException {
        List<Long> timesWithout = new ArrayList<>();
        List<Long> timesWith = new ArrayList<>();
        long pagesWithout = 0;
        long pagesWith = 0;
        try (Connection one = without.jdbc().getDataSource().getConnection();
                Connection other = with.jdbc().getDataSource().getConnection()) {
            for (int i = 0; i < 3; i++) {
                look(without);
                pagesWithout = pages(one, few);
                look(with);
                pagesWith = pages(other, many);
            }
            for (int i = 0; i < ROUNDS; i++) {
                if (i % 10 == 0) {
                    look(without);
                    look(with);
                }
                timesWithout.add(time(one, few));
                timesWith.add(time(other, many));
            }
        }
        double before = Spread.of(timesWithout).median();
        double after = Spread.of(timesWith).median();
        double pages = (double) pagesWith / pagesWithout;
        String row = "| %s | %s | %,d | %,d | %.2f | %.2f | %.2f | %.2f |"
                .formatted(condition, name, pagesWithout, pagesWith, pages, before, after, after / before);
        table.add(row);
        System.out.println(row);
        // Health counts every queued job, so its cost grows with a backlog.
        if (!name.equals("health") && pages > PAGES && after / before > TARGET * ALLOWANCE) {
            steep.add(row);
        }
    }

    /** What every node runs every few seconds: the count of ended jobs, and the sweep with its look of the claim marks. */
    private static void look(Queue queue) {
        queue.jdbc().queryForList("select count_job_ends()");
        queue.jdbc().update("update claim_mark set looked_at = '-infinity'");
        queue.sweep();
    }

    private static long pages(Connection connection, Call call) throws SQLException {
        connection.setAutoCommit(false);
        try (Statement statement = connection.createStatement()) {
            before(statement, call);
            try (ResultSet plan =
                    statement.executeQuery("explain (analyze, buffers, timing off, format json) " + call.statement())) {
                plan.next();
                JsonNode root = new ObjectMapper().readTree(plan.getString(1)).at("/0/Plan");
                return root.get("Shared Hit Blocks").asLong()
                        + root.get("Shared Read Blocks").asLong();
            }
        } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
            throw new IllegalStateException(e);
        } finally {
            connection.rollback();
            connection.setAutoCommit(true);
        }
    }

    private static long time(Connection connection, Call call) throws SQLException {
        connection.setAutoCommit(false);
        try (Statement statement = connection.createStatement()) {
            before(statement, call);
            long began = System.nanoTime();
            statement.execute(call.statement());
            return System.nanoTime() - began;
        } finally {
            connection.rollback();
            connection.setAutoCommit(true);
        }
    }

    private static void before(Statement statement, Call call) throws SQLException {
        if (!call.before().isEmpty()) {
            statement.execute(call.before());
        }
    }
}
