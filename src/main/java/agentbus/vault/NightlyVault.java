package agentbus.vault;

import agentbus.db.Database;
import agentbus.db.Statements;
import agentbus.settings.ProgramFiles;
import agentbus.settings.Settings;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The vault of the settings, for routes. */
public final class NightlyVault {
    private static final Logger LOG = LoggerFactory.getLogger(NightlyVault.class);

    private static final String STOPPED = "sql/statements/export-vault/stopped.sql";

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
        VaultExport.Written written = export.write(directory, namespace, visibility, "route:export-vault");
        LOG.info(
                "The vault {} has {} notes, {} written now in {} s; {} edited by hand",
                written.directory(),
                written.notes(),
                written.written(),
                String.format(java.util.Locale.ROOT, "%.1f", written.seconds()),
                written.edited().size());
    }
}
