package agentbus.ops;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** ops/install-service.sh below a root of its own, so without users and systemd. */
class InstallServiceTest {
    private static final String SETTINGS = "etc/agentbus/agentbus.properties";
    private static final String COMMAND = "usr/local/bin/agentbus";
    private static final String UNIT = "etc/systemd/system/agentbus.service";

    @TempDir
    Path temp;

    private Path root;
    private SmallRelease first;

    @BeforeEach
    void unpack() throws Exception {
        root = temp.resolve("a machine");
        first = SmallRelease.unpack(temp, "1.0.0", root);
    }

    @Test
    void a_first_installation_makes_program_settings_secrets_command_and_unit() throws Exception {
        Program.Run run = first.install();
        assertEquals(0, run.exit(), run.said());
        assertEquals("", run.err());
        assertEquals(
                "1.0.0\n",
                Program.run(temp, path("opt/agentbus/current/agentbus").toString())
                        .out());
        assertEquals(text("ops/agentbus.properties"), installed(SETTINGS));
        assertEquals(text("ops/agentbus.service"), installed(UNIT));
        assertTrue(Files.isExecutable(path(COMMAND)));
        assertTrue(Files.isDirectory(path("etc/agentbus/routes")));
        assertEquals("rwx------", mode("var/lib/agentbus"));
        assertEquals("rwxr-x---", mode("etc/agentbus/secrets"));
        assertEquals("rw-r-----", mode("etc/agentbus/secrets/hook-token"));
        assertEquals("rwxr-x---", mode("etc/agentbus"));
        assertTrue(run.out().contains("  made      /" + SETTINGS + "\n"), run.out());
        assertTrue(run.out().endsWith("then systemctl enable --now agentbus\n"), run.out());
    }

    @Test
    void the_service_and_its_command_line_find_every_secret_that_the_settings_name() throws Exception {
        first.install();
        text("ops/agentbus.properties")
                .lines()
                .filter(line -> line.contains("-file="))
                .map(line -> line.replaceFirst(".*=/", ""))
                .forEach(secret -> assertTrue(Files.isRegularFile(path(secret)), secret));
    }

    @Test
    void a_backup_and_a_restore_by_root_run_as_the_user_of_the_service() throws Exception {
        Path bin = Files.createDirectory(temp.resolve("bin"));
        script(bin.resolve("id"), "echo 0");
        script(bin.resolve("setpriv"), "echo \"$AGENTBUS_HOME $AGENTBUS_DATA_DIR $*\"");
        for (String word :
                List.of("export", "restore", "restore-drill", "export-vault", "import-vault", "verify-vault", "eval")) {
            assertEquals(
                    "/etc/agentbus /var/lib/agentbus --reuid=agentbus --regid=agentbus --init-groups --"
                            + " /opt/agentbus/current/agentbus " + word + " a file.zip\n",
                    command(bin, word, "a file.zip").out());
        }
        assertEquals("", command(bin, "health").out(), "any other command is a call of the bus");
        script(bin.resolve("id"), "echo 1000");
        assertEquals("", command(bin, "export", "a file.zip").out(), "only root may become another user");
    }

    private Program.Run command(Path bin, String... arguments) throws Exception {
        List<String> all = new ArrayList<>(List.of(
                "env", "-u", "AGENTBUS_HOME", "-u", "AGENTBUS_DATA_DIR", "PATH=" + bin + ":" + System.getenv("PATH")));
        all.add(Path.of("ops/agentbus-command").toAbsolutePath().toString());
        all.addAll(List.of(arguments));
        return Program.run(temp, all.toArray(String[]::new));
    }

    private static void script(Path file, String line) throws IOException {
        Files.writeString(file, "#!/bin/sh\n" + line + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    @Test
    void a_second_run_changes_nothing() throws Exception {
        first.install();
        Map<String, String> before = everything();
        Program.Run again = first.install();
        assertTrue(again.out().startsWith("Nothing to do: agentbus-1.0.0-"), again.said());
        assertEquals(before, everything());
    }

    @Test
    void the_installed_copy_may_run_the_script_too() throws Exception {
        first.install();
        Map<String, String> before = everything();
        Program.Run again = Program.run(
                temp, path("opt/agentbus/current/ops/install-service.sh").toString(), "--root", root.toString());
        assertTrue(again.out().startsWith("Nothing to do: "), again.said());
        assertEquals(before, everything());
    }

    @Test
    void an_upgrade_replaces_what_is_unchanged_and_keeps_the_release_before() throws Exception {
        first.install();
        String old = Files.readSymbolicLink(path("opt/agentbus/current")).toString();
        SmallRelease second = SmallRelease.unpack(temp, "1.1.0", root);
        second.change("ops/agentbus.service", "# new");
        Program.Run run = second.install();
        assertEquals(0, run.exit(), run.said());
        assertTrue(installed(UNIT).endsWith("# new\n"));
        assertEquals(
                "1.1.0\n",
                Program.run(temp, path("opt/agentbus/current/agentbus").toString())
                        .out());
        assertEquals(
                "1.0.0\n",
                Program.run(temp, path("opt/agentbus/" + old + "/agentbus").toString())
                        .out());
        assertTrue(run.out().endsWith("Next: systemctl restart agentbus\n"), run.out());
    }

    @Test
    void an_upgrade_keeps_what_an_operator_has_changed_filled_in_or_removed() throws Exception {
        first.install();
        Files.writeString(path(SETTINGS), "agentbus.phase=2\n");
        Files.writeString(path(UNIT), "mine\n");
        Files.createDirectories(path("etc/agentbus/agents/librarian"));
        Files.writeString(path("etc/agentbus/secrets/hook-token"), "secret\n");
        Files.writeString(path("etc/agentbus/routes/mine.camel.yaml"), "- route: {}\n");
        Files.delete(path(COMMAND));
        SmallRelease second = SmallRelease.unpack(temp, "1.1.0", root);
        second.change("ops/agentbus.service", "# new");
        second.change("ops/agentbus-command", "# new");
        Program.Run run = second.install();
        assertEquals(0, run.exit(), run.said());
        assertEquals("agentbus.phase=2\n", installed(SETTINGS));
        assertEquals("mine\n", installed(UNIT));
        assertEquals("secret\n", installed("etc/agentbus/secrets/hook-token"));
        assertEquals("- route: {}\n", installed("etc/agentbus/routes/mine.camel.yaml"));
        assertTrue(Files.isDirectory(path("etc/agentbus/agents/librarian")));
        assertFalse(Files.exists(path(COMMAND)));
        assertTrue(run.out().contains("  kept      /" + UNIT + " (it is yours; the release has "), run.out());
        assertFalse(run.out().contains(SETTINGS), "the release has nothing new for it: " + run.out());
        assertFalse(run.said().contains("secret\n"), run.said());
    }

    @Test
    void files_that_were_there_before_the_first_installation_are_kept() throws Exception {
        Files.createDirectories(path("usr/local/bin"));
        Files.writeString(path(COMMAND), "another program\n");
        Program.Run run = first.install();
        assertEquals("another program\n", installed(COMMAND));
        assertTrue(run.out().contains("  kept      /" + COMMAND + " "), run.out());
    }

    @Test
    void a_run_that_was_cut_off_is_finished_by_the_next() throws Exception {
        Files.createDirectories(path("etc/systemd"));
        Files.writeString(path("etc/systemd/system"), "a file where a directory belongs");
        assertTrue(first.install().exit() != 0);
        Files.delete(path("etc/systemd/system"));
        Program.Run run = first.install();
        assertEquals(0, run.exit(), run.said());
        assertEquals(text("ops/agentbus.service"), installed(UNIT));
        assertTrue(run.out().endsWith("then systemctl enable --now agentbus\n"), run.out());
    }

    @Test
    void a_source_tree_is_refused() throws Exception {
        Files.writeString(first.path("pom.xml"), "<project/>");
        assertRefused(first.install(), "is a source tree; build a release with ./mvnw -Prelease package");
    }

    @Test
    void a_damaged_or_incomplete_release_is_refused() throws Exception {
        Files.writeString(first.path("agents/devops/agent.yaml"), "damaged");
        assertRefused(first.install(), "is not as it was released (agents/devops/agent.yaml)");
        Files.delete(first.path("SHA256SUMS"));
        assertRefused(first.install(), "has no SHA256SUMS");
    }

    @Test
    void a_wrong_option_is_refused() throws Exception {
        assertRefused(first.install("--rot"), "there is no option '--rot'");
        assertRefused(first.install("--root"), "--root needs a directory");
    }

    private void assertRefused(Program.Run run, String message) {
        assertEquals(2, run.exit(), run.said());
        assertTrue(run.err().contains(message), run.err());
        assertEquals(1, run.err().lines().count(), run.err());
        assertFalse(Files.exists(path("opt")), "nothing may be installed");
        assertFalse(Files.exists(path("etc")), "nothing may be installed");
    }

    private Path path(String file) {
        return root.resolve(file);
    }

    private String installed(String file) throws IOException {
        return Files.readString(path(file));
    }

    private static String text(String file) throws IOException {
        return Files.readString(Path.of(file));
    }

    private String mode(String file) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(path(file)));
    }

    /** All installed files, with their contents and times. */
    private Map<String, String> everything() throws IOException {
        Map<String, String> files = new TreeMap<>();
        try (Stream<Path> paths = Files.walk(root)) {
            for (Path path : paths.toList()) {
                String content = Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS) ? Files.readString(path) : "";
                files.put(
                        root.relativize(path).toString(),
                        Files.getLastModifiedTime(path, LinkOption.NOFOLLOW_LINKS) + " " + content);
            }
        }
        return files;
    }
}
