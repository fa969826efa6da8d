package agentbus.db;

import agentbus.settings.StartFailure;
import java.io.IOException;
import java.io.Reader;
import java.io.StringWriter;
import java.sql.SQLException;
import org.flywaydb.core.api.FlywayException;
import org.flywaydb.core.api.resource.LoadableResource;
import org.flywaydb.core.internal.exception.FlywayMigrateException;
import org.flywaydb.core.internal.sqlscript.FlywaySqlScriptException;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/** Explains why a script of a migration failed, with its file and line. */
final class ScriptFailure {
    private ScriptFailure() {}

    /** The failure of a script with its file and line, or of Flyway itself. */
    static StartFailure explain(FlywayException e, Database database) {
        FlywaySqlScriptException script = find(e, FlywaySqlScriptException.class);
        SQLException sql = find(e, SQLException.class);
        if (script != null && script.getResource() != null) {
            return new StartFailure(
                    script.getResource().getRelativePath() + ", line " + line(script, sql) + ": " + said(sql)
                            + "; nothing of this script was applied to the " + database,
                    e);
        }
        FlywayMigrateException whole = find(e, FlywayMigrateException.class);
        return new StartFailure(
                "cannot migrate the " + database + ": "
                        + (whole == null ? "" : whole.getMigration().getScript() + ": ")
                        + (sql == null ? e.getMessage() : said(sql))
                        // A lost connection leaves it open whether the server has ended the transaction.
                        + (whole == null || server(sql) == null ? "" : "; nothing of this script was applied"),
                e);
    }

    /**
     * Finds the line of the error. Flyway's line number is not always that of the statement's first character.
     * Therefore the line is counted from the statement's text and the position that the server reports within it.
     */
    private static int line(FlywaySqlScriptException script, SQLException sql) {
        ServerErrorMessage server = server(sql);
        String statement = script.getStatement();
        if (server == null || server.getPosition() <= 0 || statement == null) {
            return script.getLineNumber();
        }
        String text = content(script);
        int begin = text.indexOf(statement);
        if (begin < 0) {
            return script.getLineNumber();
        }
        int end = begin + Math.min(server.getPosition() - 1, statement.length());
        return lineOf(text, end);
    }

    private static String content(FlywaySqlScriptException script) {
        if (!(script.getResource() instanceof LoadableResource resource)) {
            return "";
        }
        StringWriter text = new StringWriter();
        try (Reader reader = resource.read()) {
            reader.transferTo(text);
        } catch (IOException e) {
            // Without the text, the message names the line that Flyway gives.
            return "";
        }
        return text.toString();
    }

    private static String said(SQLException sql) {
        ServerErrorMessage server = server(sql);
        return server == null || server.getMessage() == null ? sql.getMessage() : server.getMessage();
    }

    /** The server's own report of an error; null for an error of the driver. */
    static ServerErrorMessage server(SQLException sql) {
        return sql instanceof PSQLException psql ? psql.getServerErrorMessage() : null;
    }

    /** The first cause of a type; null if there is none. */
    static <T extends Throwable> T find(Throwable e, Class<T> type) {
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (type.isInstance(cause)) {
                return type.cast(cause);
            }
        }
        return null;
    }

    /** The number of the line with a character. */
    static int lineOf(String text, int end) {
        return 1 + (int) text.substring(0, end).chars().filter(c -> c == '\n').count();
    }
}
