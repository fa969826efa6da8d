package agentbus.db;

import agentbus.settings.Settings;
import agentbus.settings.StartFailure;
import java.util.Map;

/**
 * Unpacks the own Postgres ahead of the first start, which is then faster by a second or more. The launcher calls it as the
 * last step of a build.
 */
public final class UnpackPostgres {
    private UnpackPostgres() {}

    /**
     * Does nothing where a database is given. What goes wrong here goes wrong again at the start, and is told there.
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
     * Unpacks, if these settings will need it and nobody has done so.
     *
     * @param settings where to
     * @throws StartFailure if there is no Postgres for this machine, or it cannot be written
     */
    static void unpack(Settings settings) {
        if (settings.text("agentbus.database.url").isEmpty()) {
            PostgresBinaries.unpack(settings, ServerFiles.in(settings.dataDirectory()));
        }
    }
}
