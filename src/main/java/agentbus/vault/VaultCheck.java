package agentbus.vault;

import agentbus.db.Database;
import agentbus.settings.ProgramFiles;
import agentbus.settings.StartFailure;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Map;

/** Verifies a vault, and keeps what was found in its row, where needs-me and the metrics read it. */
public final class VaultCheck {
    private final Database database;
    private final ProgramFiles files;

    /**
     * Verifications against one database.
     *
     * @param database the database; its schema must be of this version
     * @param files holds the statements and templates
     */
    public VaultCheck(Database database, ProgramFiles files) {
        this.database = database;
        this.files = files;
    }

    /**
     * What a verification has found.
     *
     * @param directory the folder, with no link in its path
     * @param namespace the namespace that it shows
     * @param exportedAt when its last export ended; null before the first
     * @param notes how many notes it has to hold
     * @param waiting how many of them the next export writes, because their rows have changed since the last one
     * @param differences the differences, by their paths
     */
    record Checked(
            Path directory,
            String namespace,
            Instant exportedAt,
            int notes,
            int waiting,
            List<Difference> differences) {
        /** How many notes people have edited. */
        long edited() {
            return differences.stream()
                    .filter(each -> each.kind() == Difference.Kind.EDITED)
                    .count();
        }
    }

    /**
     * Verifies a vault. Takes its lock, so that no export changes it meanwhile, and changes no file.
     *
     * @param directory the folder of the vault
     * @param visibility the visibility with which it is exported
     * @param actor the person or route for the audit log
     * @return what was found; the row of the vault has it too
     * @throws StartFailure when the folder is no vault of this bus, cannot be read, or is being exported
     */
    Checked verify(Path directory, String visibility, String actor) {
        try (VaultFolder folder = VaultFolder.read(directory);
                Ledger ledger = new Ledger(database, files, actor)) {
            Marker marker = folder.requireMarker(directory);
            JsonNode vault =
                    ledger.begin(marker, marker.namespace(), folder.directory().toString(), null);
            Instant exportedAt = vault.has("exportedAt")
                    ? OffsetDateTime.parse(vault.path("exportedAt").asText()).toInstant()
                    : null;
            VaultVerification.Found found = compare(folder, ledger, marker, visibility, exportedAt);
            ObjectNode kept = Json.object();
            kept.putArray("differences")
                    .addAll(found.differences().stream().map(Difference::json).toList());
            ledger.verified(marker.vaultId(), kept);
            return new Checked(
                    folder.directory(),
                    marker.namespace(),
                    exportedAt,
                    found.notes(),
                    found.waiting(),
                    found.differences());
        }
    }

    private VaultVerification.Found compare(
            VaultFolder folder, Ledger ledger, Marker marker, String visibility, Instant exportedAt) {
        ledger.beginReading();
        try {
            Map<NoteKey, Ledger.Kept> kept = ledger.notes(marker.vaultId());
            VaultVerification verification = new VaultVerification(folder, kept, exportedAt);
            new Projection(ledger, new Templates(files), marker.namespace(), visibility, kept, folder::note)
                    .each(verification::compare);
            return verification.end();
        } finally {
            ledger.endReading();
        }
    }

    /** What was found, in one sentence. */
    static String words(Checked checked) {
        long edited = checked.edited();
        long others = checked.differences().size() - edited;
        return "the vault " + checked.directory()
                + (others == 0
                        ? " agrees with the database"
                        : " has " + Words.count(others, "difference", "differences"))
                + (edited == 0 ? "" : "; people have edited " + Words.count(edited, "note", "notes"));
    }
}
