package agentbus.vault;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How long an export takes. The ordinary build has 600 rows; {@code ./mvnw verify -Pgrowth} has 10,000.
 */
@ExtendWith(PostgresExtension.class)
class VaultSizeTest {
    private static final Logger LOG = LoggerFactory.getLogger(VaultSizeTest.class);
    /** Of each kind: ideas, opportunities and memories. */
    private static final int ROWS = Integer.getInteger("vault.rows", 200);

    /** The times are those of the whole size on a machine of its own. */
    private static final int WHOLE_SIZE = 3_300;

    private static final double MOST_SECONDS = 30;
    private static final double MOST_SECONDS_UNCHANGED = 3;

    private final TestDatabase database;

    @TempDir
    private Path home;

    VaultSizeTest(TestDatabase database) {
        this.database = database;
    }

    @Test
    void a_vault_is_written_within_30_s_and_within_3_s_without_a_change() {
        Rows rows = Rows.fresh(database);
        rows.many(ROWS);
        try (Vault vault = new Vault(database, home.resolve("vault"))) {
            VaultExport.Written first = vault.export();
            VaultExport.Written second = vault.export();

            LOG.info("{} notes: {} s, without a change {} s", first.notes(), first.seconds(), second.seconds());
            assertTrue(first.notes() > 3 * ROWS, first.toString());
            assertEquals(first.notes(), first.written());
            assertEquals(0, second.written());
            if (ROWS >= WHOLE_SIZE) {
                assertTrue(first.seconds() < MOST_SECONDS, first.toString());
                assertTrue(second.seconds() < MOST_SECONDS_UNCHANGED, second.toString());
            }
        }
    }
}
