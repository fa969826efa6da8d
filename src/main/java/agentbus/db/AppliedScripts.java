package agentbus.db;

import agentbus.settings.StartFailure;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;
import org.flywaydb.core.api.MigrationInfo;
import org.flywaydb.core.api.MigrationState;

/** Compares the scripts that a database has had with those of this build. */
final class AppliedScripts {
    private AppliedScripts() {}

    /** The newest migration that the database has and this build does not know. */
    static Optional<MigrationInfo> newer(MigrationInfo[] all) {
        return Arrays.stream(all)
                .filter(info -> info.getState() == MigrationState.FUTURE_SUCCESS
                        || info.getState() == MigrationState.FUTURE_FAILED)
                .reduce((first, second) -> second);
    }

    /** Refuses edited and removed migrations in one line; Flyway would need many. */
    static void refuseEdited(MigrationInfo[] all, Database database) {
        String edited = Arrays.stream(all)
                .filter(info -> info.isVersioned() && !info.getType().isSynthetic() && !info.isChecksumMatching())
                .map(MigrationInfo::getScript)
                .collect(Collectors.joining(", "));
        if (!edited.isEmpty()) {
            throw new StartFailure(edited + " has been edited since it was applied to the " + database
                    + "; put it back as it was and add a new migration instead");
        }
        String removed = Arrays.stream(all)
                .filter(info -> info.isVersioned() && info.getState() == MigrationState.MISSING_SUCCESS)
                .map(MigrationInfo::getScript)
                .collect(Collectors.joining(", "));
        if (!removed.isEmpty()) {
            throw new StartFailure(
                    removed + " was applied to the " + database + " and is not in this build; put it back");
        }
    }
}
