package agentbus.db;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.Collection;
import java.util.List;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.flywaydb.core.api.executor.MigrationExecutor;
import org.flywaydb.core.api.resolver.MigrationResolver;
import org.flywaydb.core.api.resolver.ResolvedMigration;
import org.flywaydb.core.internal.jdbc.Results;
import org.flywaydb.core.internal.parser.ParsingContext;
import org.flywaydb.core.internal.resolver.ResolvedMigrationImpl;
import org.flywaydb.core.internal.resolver.sql.SqlMigrationResolver;

/**
 * Gives Flyway the scripts of its locations, with the names and checksums that Flyway itself would give them, and sends
 * each of them to the server as a whole. Flyway itself parses a script and waits for the server after each statement.
 *
 * <p>Flyway runs a script with a mistake once more, statement by statement, because only then the failure names the line.
 * No other failure is worth a second run: it would hold the locks of the script twice as long.
 *
 * <p>Each script runs in a transaction, so {@code create index concurrently} and the like fail.
 */
final class WholeScripts implements MigrationResolver {
    /** The class of SQLSTATE syntax_error_or_access_rule_violation. */
    private static final String MISTAKE = "42";

    private final UnaryOperator<String> texts;

    /**
     * The scripts of Flyway's locations.
     *
     * @param texts gives the text of a script by its name in Flyway's history
     */
    WholeScripts(UnaryOperator<String> texts) {
        this.texts = texts;
    }

    @Override
    public Collection<ResolvedMigration> resolveMigrations(Context context) {
        return new SqlMigrationResolver(
                        context.resourceProvider,
                        context.sqlScriptExecutorFactory,
                        context.sqlScriptFactory,
                        context.configuration,
                        new ParsingContext())
                .resolveMigrations(context).stream().map(this::whole).toList();
    }

    private ResolvedMigration whole(ResolvedMigration script) {
        return new ResolvedMigrationImpl(
                script.getVersion(),
                script.getDescription(),
                script.getScript(),
                script.getChecksum(),
                null,
                script.getType(),
                script.getPhysicalLocation(),
                new WholeScript(() -> texts.apply(script.getScript()), script.getExecutor()));
    }

    /** Runs one script. */
    private record WholeScript(Supplier<String> text, MigrationExecutor byStatement) implements MigrationExecutor {
        @Override
        public List<Results> execute(org.flywaydb.core.api.executor.Context context) throws SQLException {
            Connection connection = context.getConnection();
            Savepoint before = connection.setSavepoint();
            try (Statement statement = connection.createStatement()) {
                statement.execute(text.get());
                connection.releaseSavepoint(before);
                return List.of();
            } catch (SQLException failed) {
                if (failed.getSQLState() == null || !failed.getSQLState().startsWith(MISTAKE)) {
                    throw failed;
                }
                undo(connection, before, failed);
                return byStatement.execute(context);
            }
        }

        private static void undo(Connection connection, Savepoint before, SQLException failed) throws SQLException {
            try {
                connection.rollback(before);
            } catch (SQLException lost) {
                failed.addSuppressed(lost);
                throw failed;
            }
        }

        @Override
        public boolean canExecuteInTransaction() {
            return true;
        }

        @Override
        public boolean shouldExecute() {
            return true;
        }
    }
}
