package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.core.io.ClassPathResource;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

/**
 * What a search for the memories of a job costs: it does not grow with the number of memories, also when thousands are
 * about the same service and have the same words, and when the job has a thousand words.
 *
 * <p>The ordinary build counts pages at 500 and 5,000 memories. {@code ./mvnw verify -Pgrowth} has 100,000 and prints the
 * milliseconds, too.
 */
@ExtendWith(PostgresExtension.class)
class MemorySizeTest {
    private static final int FEW = 500;
    private static final int MANY = Integer.getInteger("memory.count", 5_000);
    private static final int CALLS = Integer.getInteger("memory.calls", 20);

    private static final String WIDE = "wide1 wide2 wide3";
    private static final String DEEP =
            IntStream.range(0, 1000).mapToObj(i -> "w" + i * 7 % 900).collect(Collectors.joining(" "));
    private static final String CODE = "code77 came back";

    private static final String SEARCH =
            """
            memories_for_job('default', 'devops', 'infra.check', ?, '{"service": ["wide-api"]}')""";

    private static void fill(TestDatabase database, int memories) throws Exception {
        database.clear();
        String sql = new ClassPathResource("memory-size/fill.sql").getContentAsString(StandardCharsets.UTF_8);
        try (Connection connection = database.jdbc().getDataSource().getConnection()) {
            JdbcTemplate jdbc = new JdbcTemplate(new SingleConnectionDataSource(connection, true));
            jdbc.queryForObject("select set_config('fill.memories', ?, false)", String.class, "" + memories);
            for (String statement : sql.split(";\n")) {
                jdbc.execute(statement);
            }
        }
    }

    /** Pages that the search looks at once its plans are made. */
    private static long pages(TestDatabase database, String text) throws SQLException {
        try (Connection connection = database.jdbc().getDataSource().getConnection()) {
            Machine bus = Machine.on(new SingleConnectionDataSource(connection, true));
            JsonNode plan = null;
            for (int i = 0; i < 3; i++) {
                plan = bus.one("explain (analyze, buffers, format json) select * from " + SEARCH, text);
            }
            return Machine.pagesOf(plan);
        }
    }

    private static void print(TestDatabase database, String name, String text) throws SQLException {
        try (Connection connection = database.jdbc().getDataSource().getConnection()) {
            JdbcTemplate jdbc = new JdbcTemplate(new SingleConnectionDataSource(connection, true));
            double[] millis = new double[CALLS];
            for (int i = -5; i < CALLS; i++) {
                long start = System.nanoTime();
                jdbc.queryForList("select * from " + SEARCH, text);
                if (i >= 0) {
                    millis[i] = (System.nanoTime() - start) / 1e6;
                }
            }
            Arrays.sort(millis);
            System.out.printf(
                    "memories_for_job at %d memories, %s: median %.1f ms, slowest of %d %.1f ms%n",
                    MANY, name, millis[CALLS / 2], CALLS, millis[CALLS - 1]);
        }
    }

    @Test
    void the_cost_of_a_search_does_not_grow_with_the_memories(TestDatabase database) throws Exception {
        fill(database, FEW);
        long[] before = {pages(database, WIDE), pages(database, DEEP), pages(database, CODE)};
        fill(database, MANY);
        long[] after = {pages(database, WIDE), pages(database, DEEP), pages(database, CODE)};

        for (int i = 0; i < after.length; i++) {
            assertTrue(
                    after[i] <= before[i] * 2 + 3_000,
                    Arrays.toString(before) + " pages with few, " + Arrays.toString(after) + " with many memories");
        }
        assertFalse(database.jdbc()
                .queryForList("select memory_id from " + SEARCH.replace("?", "'" + WIDE + "'"))
                .isEmpty());
        print(database, "a service of a tenth of them", WIDE);
        print(database, "a job of a thousand words", DEEP);
        print(database, "an error code", CODE);
    }
}
