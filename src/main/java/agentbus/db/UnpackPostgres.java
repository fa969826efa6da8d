package agentbus.db;

import agentbus.settings.Settings;
import agentbus.settings.StartFailure;
import java.util.Map;

/** Unpacks the embedded Postgres as the last step of a build, so that the first start is a second or more faster. */
public final class UnpackPostgres {
    private UnpackPostgres() {}

    /**
     * Unpacks Postgres unless a database is configured. On failure the process exits with 1 and prints nothing, because
     * the start repeats the step and reports the failure.
     *
     * @param arguments none
     */
    public static void main(String[] arguments) {
        Map<String, String> environment = System.getenv();
        try {
            unpack(Settings.load(Settings.home(environment), environment, Map.of()));
        } catch (StartFailure e) {
            System.exit(1);
        }
    }

    /**
     * Unpacks the programs if these settings need them and they are not there yet.
     *
     * @param settings the data directory and the {@code agentbus.database.} settings
     * @throws StartFailure if the archive has no programs for this machine, or they cannot be written
     */
    static void unpack(Settings settings) {
        if (settings.text("agentbus.database.url").isEmpty()) {
            PostgresBinaries.unpack(settings, ServerFiles.in(settings.dataDirectory()));
        }
    }
}
