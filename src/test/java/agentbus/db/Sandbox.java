package agentbus.db;

import agentbus.settings.Settings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.Map;

/** Settings with a home directory of one test. All tests share the unpacked programs of the server. */
final class Sandbox {
    private Sandbox() {}

    static Settings settings(Path home, String... keysAndValues) {
        Map<String, String> overrides = new HashMap<>();
        overrides.put(
                "agentbus.database.embedded-binaries-dir",
                Path.of("target", "postgres-binaries").toAbsolutePath().toString());
        for (int i = 0; i < keysAndValues.length; i += 2) {
            overrides.put(keysAndValues[i], keysAndValues[i + 1]);
        }
        return Settings.load(home, Map.of(), overrides);
    }

    static Settings given(Path home, String url, String... keysAndValues) {
        String[] all = new String[keysAndValues.length + 2];
        all[0] = "agentbus.database.url";
        all[1] = url;
        System.arraycopy(keysAndValues, 0, all, 2, keysAndValues.length);
        return settings(home, all);
    }

    /** Runs a statement that needs more rights than the bus's own role has, as the superuser of its embedded server. */
    static void asSuperuser(Path home, int port, String sql) throws SQLException, IOException {
        String password = Files.readString(home.resolve("data/postgres-superuser.password"))
                .strip();
        String url = "jdbc:postgresql://127.0.0.1:" + port + "/postgres";
        try (Connection connection = DriverManager.getConnection(url, ServerRoles.SUPERUSER, password);
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
