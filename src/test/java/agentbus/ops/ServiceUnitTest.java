package agentbus.ops;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.settings.Settings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** ops/agentbus.service and the settings that are installed with it. */
class ServiceUnitTest {
    private static final String PROGRAM = "/opt/agentbus/current/agentbus";
    private static final String SECRETS = "/etc/agentbus/secrets/";
    /** What systemd-analyze calls 2.0; the command takes tenths. */
    private static final String WORST_SCORE = "20";

    @TempDir
    Path temp;

    @Test
    void systemd_accepts_every_line() throws Exception {
        Program.require("systemd-analyze", "systemd");
        Program.Run run = Program.run(temp, "systemd-analyze", "verify", "--man=no", unit().toString());
        assertEquals(0, run.exit(), run.said());
        // Other units of this machine may have faults of their own.
        assertTrue(run.said().lines().noneMatch(line -> line.contains("agentbus")), run.said());
    }

    @Test
    void the_service_may_do_little() throws Exception {
        Program.require("systemd-analyze", "systemd");
        Program.Run run = Program.run(
                temp,
                "systemd-analyze",
                "security",
                "--offline=true",
                "--no-pager",
                "--threshold=" + WORST_SCORE,
                unit().toString());
        assertEquals(0, run.exit(), run.said());
    }

    @Test
    void the_stop_has_time_to_drain_and_to_stop_the_own_postgres() throws IOException {
        Duration drain = Settings.load(temp, Map.of(), Map.of()).duration("agentbus.stop.drain-seconds");
        Duration given = Duration.ofSeconds(Long.parseLong(value("TimeoutStopSec")));
        assertTrue(given.compareTo(drain.plusSeconds(30)) >= 0, given + " for a drain of " + drain);
        assertEquals("mixed", value("KillMode"));
    }

    @Test
    void the_prepared_settings_are_settings_and_name_the_secrets_that_are_installed() throws IOException {
        // All lines that an operator may put into force.
        List<String> prepared = Files.readAllLines(Path.of("ops/agentbus.properties")).stream()
                .filter(line -> line.startsWith("#agentbus."))
                .map(line -> line.substring(1))
                .toList();
        assertTrue(prepared.size() > 5, prepared.toString());
        Path secrets = Files.createDirectory(temp.resolve("secrets"));
        List<String> names = List.of("database-password", "hook-token", "gateway-token", "observe-token");
        for (String name : names) {
            Files.writeString(secrets.resolve(name), "a-secret\n");
        }
        Files.writeString(
                temp.resolve("agentbus.properties"), String.join("\n", prepared).replace(SECRETS, secrets + "/"));
        Settings settings = Settings.load(temp, Map.of(), Map.of());
        assertEquals("a-secret", settings.text("agentbus.gateway.operator-token"));
        assertEquals(
                names.size(),
                prepared.stream().filter(line -> line.contains(SECRETS)).count());
    }

    /** The unit with a program that is there, because systemd looks for it. */
    private Path unit() throws IOException {
        Path program = Files.writeString(temp.resolve("program"), "#!/bin/sh\n");
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
        String text = Files.readString(Path.of("ops/agentbus.service"));
        assertTrue(text.contains("ExecStart=" + PROGRAM + " run\n"), text);
        return Files.writeString(
                temp.resolve("agentbus.service"), text.replace("ExecStart=" + PROGRAM, "ExecStart=" + program));
    }

    private static String value(String key) throws IOException {
        return values(key).get(0);
    }

    private static List<String> values(String key) throws IOException {
        return Files.readAllLines(Path.of("ops/agentbus.service")).stream()
                .filter(line -> line.startsWith(key + "="))
                .map(line -> line.substring(key.length() + 1))
                .toList();
    }
}
