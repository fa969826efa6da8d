package agentbus.db;

import agentbus.text.Sha256;
import java.io.IOException;
import java.net.JarURLConnection;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.jar.JarFile;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The mark of a database whose schema has been compared with the scripts of a build: the hash of those scripts, and the
 * hash of the history that they left. While both are the same, a start need not read and compare the scripts again.
 *
 * <p>The mark is the comment of a column of the history table. A build that does not know it leaves it alone, and what
 * that build applies changes the history, so that the mark no longer fits.
 */
final class SchemaMark {
    private static final Logger LOG = LoggerFactory.getLogger(SchemaMark.class);
    private static final String SQL = ".sql";

    private static final String MADE = "select to_regclass('agentbus.flyway_schema_history') is not null";

    /** The text of the mark that would be true now, but for the hash of the scripts, which comes in front. */
    private static final String HISTORY =
            """
            select md5(string_agg(concat_ws(' ', installed_rank, version, script, checksum, success), e'\\n'
              order by installed_rank))
            from agentbus.flyway_schema_history
            """;

    private static final String STORED =
            """
            select col_description(attrelid, attnum)
            from pg_attribute
            where attrelid = 'agentbus.flyway_schema_history'::regclass and attname = 'checksum'
            """;

    private final Optional<String> scripts;

    /**
     * The mark of some scripts.
     *
     * @param folders the folders of the scripts on the class path, such as {@code sql/migrations}
     */
    SchemaMark(List<String> folders) {
        this.scripts = hash(folders);
    }

    /**
     * Whether a build with the same scripts has found the schema current, and nothing was applied or forgotten since.
     *
     * @param statement runs the queries
     * @return false also when the scripts cannot be listed
     * @throws SQLException if the database does not answer
     */
    boolean fits(Statement statement) throws SQLException {
        return scripts.isPresent()
                && "t".equals(text(statement, MADE))
                && mark(statement).equals(text(statement, STORED));
    }

    /**
     * Writes the mark. The caller holds the migration's lock and has compared every script.
     *
     * @param statement runs the statements
     * @throws SQLException if the database does not answer
     */
    void write(Statement statement) throws SQLException {
        if (scripts.isPresent()) {
            // Both hashes are hexadecimal, so the text needs no quoting.
            statement.execute("comment on column agentbus.flyway_schema_history.checksum is '" + mark(statement) + "'");
        }
    }

    private String mark(Statement statement) throws SQLException {
        return "scripts " + scripts.orElseThrow() + " with history " + text(statement, HISTORY);
    }

    private static String text(Statement statement, String query) throws SQLException {
        try (ResultSet row = statement.executeQuery(query)) {
            return row.next() ? row.getString(1) : null;
        }
    }

    /** The hash of the names and checksums of all scripts; empty when a folder cannot be listed. */
    private static Optional<String> hash(List<String> folders) {
        StringBuilder all = new StringBuilder();
        try {
            for (String folder : folders) {
                List<URL> places =
                        Collections.list(SchemaMark.class.getClassLoader().getResources(folder));
                if (places.isEmpty()) {
                    return Optional.empty();
                }
                for (URL place : places) {
                    List<String> lines = place.openConnection() instanceof JarURLConnection packed
                            ? packed(packed, folder + "/")
                            : unpacked(Path.of(place.toURI()), folder + "/");
                    lines.forEach(line -> all.append(line).append('\n'));
                }
            }
        } catch (IOException | URISyntaxException unreadable) {
            // Flyway reads the scripts next, and reports what is wrong with them.
            LOG.debug("The scripts cannot be listed: {}", unreadable.getMessage());
            return Optional.empty();
        }
        return Optional.of(Sha256.hex(all.toString()));
    }

    /** A jar has the checksum of each file in its directory, so no file is read. */
    private static List<String> packed(JarURLConnection place, String folder) throws IOException {
        place.setUseCaches(false);
        try (JarFile jar = place.getJarFile()) {
            return jar.stream()
                    .filter(entry -> entry.getName().startsWith(folder)
                            && entry.getName().endsWith(SQL))
                    .map(SchemaMark::line)
                    .sorted()
                    .toList();
        }
    }

    private static String line(ZipEntry entry) {
        return entry.getName() + " " + entry.getCrc();
    }

    private static List<String> unpacked(Path place, String folder) throws IOException {
        List<Path> files;
        try (Stream<Path> found = Files.walk(place)) {
            files = found.filter(file -> file.toString().endsWith(SQL)).toList();
        }
        List<String> lines = new ArrayList<>();
        for (Path file : files) {
            CRC32 sum = new CRC32();
            sum.update(Files.readAllBytes(file));
            lines.add(folder + place.relativize(file).toString().replace('\\', '/') + " " + sum.getValue());
        }
        Collections.sort(lines);
        return lines;
    }
}
