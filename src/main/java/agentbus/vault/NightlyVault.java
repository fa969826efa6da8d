package agentbus.vault;

import agentbus.db.Database;
import agentbus.db.Operator;
import agentbus.db.Statements;
import agentbus.settings.ProgramFiles;
import agentbus.settings.Settings;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The vault of the settings, for routes. */
public final class NightlyVault {
    private static final Logger LOG = LoggerFactory.getLogger(NightlyVault.class);

    private static final String STOPPED = "sql/statements/export-vault/stopped.sql";

    private static final String FAILED = "sql/statements/export-vault/fail-nightly.sql";
    private static final String ACTOR = "route:export-vault";

    private final VaultExport export;
    private final Statements statements;
    private final Path directory;
    private final String namespace;
    private final String visibility;

    /**
     * The vault of a node.
     *
     * @param database the database
     * @param files the statements and templates
     * @param settings the folder, the namespace and the visibility
     */
    public NightlyVault(Database database, ProgramFiles files, Settings settings) {
        this.export = new VaultExport(database, files);
        this.statements = new Statements(database.dataSource(), files);
        this.directory = VaultSettings.directory(settings);
        this.namespace = VaultSettings.namespace(settings);
        this.visibility = VaultSettings.visibility(settings);
    }

    /**
     * Writes the vault, unless phase 5 is frozen or off for its namespace.
     *
     * @throws agentbus.settings.StartFailure when it cannot be written; the row of the vault says why, too
     */
    public void export() {
        String stopped = statements.text(STOPPED, namespace);
        if (stopped != null) {
            LOG.info("The vault {} is not written: {}", directory, stopped);
            return;
        }
        VaultExport.Written written;
        try {
            written = export.write(directory, namespace, visibility, ACTOR);
        } catch (RuntimeException failed) {
            throw told(failed);
        }
        LOG.info(
                "The vault {} has {} notes, {} written now in {} s; {} edited by hand",
                written.directory(),
                written.notes(),
                written.written(),
                String.format(Locale.ROOT, "%.1f", written.seconds()),
                written.edited().size());
    }

    /** Notes a failure in the row of the vault, also one before the export could begin; the route still fails with it. */
    private RuntimeException told(RuntimeException failed) {
        try {
            statements.text(
                    FAILED,
                    Operator.principal(ACTOR).toString(),
                    namespace,
                    place(directory).toString(),
                    String.valueOf(failed.getMessage()));
        } catch (RuntimeException databaseGone) {
            failed.addSuppressed(databaseGone);
        }
        return failed;
    }

    /** The path of a folder with no link in it, as far as it is there: the one that the row of its vault has. */
    private static Path place(Path directory) {
        Path whole = directory.toAbsolutePath().normalize();
        try {
            return whole.toRealPath();
        } catch (IOException missing) {
            return whole.getParent() == null ? whole : place(whole.getParent()).resolve(whole.getFileName());
        }
    }
}
