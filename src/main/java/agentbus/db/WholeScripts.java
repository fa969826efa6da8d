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
 * Flyway's scripts, each sent to the server as a whole. Flyway itself parses a script and waits for the server after each
 * statement, which takes six times as long for a new schema (docs/performance.md).
 *
 * <p>When a script fails, Flyway runs it again statement by statement, because only then the failure names the statement.
 * A script runs in a transaction, so none may have a statement that cannot, such as {@code create index concurrently}.
 */
final class WholeScripts implements MigrationResolver {
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
                // Braces in a script are no escapes of JDBC.
                statement.setEscapeProcessing(false);
                statement.execute(text.get());
                return List.of();
            } catch (SQLException unlocated) {
                connection.rollback(before);
                return byStatement.execute(context);
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
