package agentbus.backup;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import agentbus.db.Database;
import agentbus.db.Migrations;
import agentbus.harness.TestDatabase;
import agentbus.settings.ProgramFiles;
import agentbus.settings.ServerKey;
import agentbus.settings.StartFailure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.JdbcTemplate;

/** Exports and restores, as commands of a person who has lost a database. */
class RestoreTest extends FilledInstallation {
    RestoreTest(TestDatabase database) {
        super(database);
    }

    private Path exported() {
        bus.run("export", file.toString()).done();
        return file;
    }

    @Test
    void an_export_says_what_it_holds_and_is_for_its_owner_alone() throws IOException {
        String out = bus.run("export", file.toString()).done();

        assertTrue(out.contains("rows       "), out);
        assertTrue(out.contains("before compression"), out);
        assertTrue(out.matches("(?s).*keep server.key \\(fingerprint [0-9a-f]{16}\\).*"), out);
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
        assertEquals(List.of("bus.zip", "home"), names());
    }

    private List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(each -> each.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void an_export_replaces_no_file_and_needs_a_directory() throws IOException {
        Files.writeString(file, "older");

        String taken = bus.run("export", file.toString()).refused();
        String nowhere = bus.run("export", directory.resolve("missing/bus.zip").toString())
                .refused();

        assertTrue(taken.contains("exists already, and an export replaces no file"), taken);
        assertEquals("older", Files.readString(file));
        assertTrue(nowhere.contains("there is no directory " + directory.resolve("missing")), nowhere);
        assertEquals(List.of("bus.zip", "home"), names());
    }

    @Test
    void a_directory_that_takes_no_files_is_named() {
        String said = bus.run("export", "/proc/self/bus.zip").refused();

        assertTrue(said.contains("cannot write /proc/self/bus.zip"), said);
    }

    @Test
    void a_full_disk_leaves_no_file() throws IOException, InterruptedException {
        Path disk = Files.createDirectory(directory.resolve("disk"));
        assumeTrue(
                ran("mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", disk.toString()),
                "SKIPPED: this machine mounts no small disk (needs root)");
        try {
            Path full = disk.resolve("bus.zip");

            String said = bus.run("export", full.toString()).refused();

            assertTrue(
                    said.contains("cannot write " + full + ": No space left on device; nothing is left of it"), said);
            try (Stream<Path> left = Files.list(disk)) {
                assertEquals(List.of(), left.toList());
            }
        } finally {
            ran("umount", disk.toString());
        }
    }

    private static boolean ran(String... command) throws InterruptedException {
        try {
            return new ProcessBuilder(command).start().waitFor() == 0;
        } catch (IOException noProgram) {
            return false;
        }
    }

    @Test
    void a_restore_brings_every_row_and_starts_with_everything_stopped() throws IOException {
        exported();
        List<String> before = work.counts();
        String atWork = work.atWork();
        long seq = work.jdbc().queryForObject("select max(seq) from events", Long.class);
        try (EmptyDatabase empty = new EmptyDatabase(database)) {
            Installation other = new Installation(bus.home(), empty.url());

            String out = other.run("restore", file.toString()).done();

            JdbcTemplate restored = empty.jdbc();
            List<String> after = new ArrayList<>(Work.counts(restored));
            // The stop writes these, and nothing else has more rows.
            List<String> written = List.of("audit_log", "events", "pauses", "run_aborts");
            after.removeIf(row -> written.contains(row.split(" ")[0]));
            before = new ArrayList<>(before);
            before.removeIf(row -> written.contains(row.split(" ")[0]));
            assertEquals(before, after);
            assertEquals(
                    List.of("tab\t, line\n, \\N, ü and 🚌"),
                    restored.queryForList(
                            "select payload ->> 'note' from jobs where state = 'succeeded'", String.class));
            assertEquals(
                    List.of("default stop", "other stop"),
                    restored.queryForList(
                            "select namespace || ' ' || mode from pauses where kind = 'everything' and ended_at is null"
                                    + " and reason like 'restored from bus.zip, which is of %' order by 1",
                            String.class));
            assertEquals(
                    "queued",
                    restored.queryForObject("select state from jobs where job_id = ?::uuid", String.class, atWork));
            assertTrue(
                    restored.queryForObject("select max(seq) from events", Long.class) > seq,
                    "the sequence goes on where it was");
            assertTrue(out.contains("job " + atWork + " of devops (infra.check), attempt 1"), out);
            assertTrue(out.contains("1 of devops, the oldest due since"), out);
            assertTrue(out.contains("agentbus resume --kind everything --reason"), out);
            assertTrue(out.contains("agentbus resume --kind everything --namespace other --reason"), out);
            assertEquals(
                    List.of(),
                    restored.queryForList("select claim_for_dispatch('dispatcher-2', 50, 60000)", String.class));
            assertSameSchema(restored);
        }
    }

    /** Triggers and foreign keys are back, and a bus may start. */
    private void assertSameSchema(JdbcTemplate restored) {
        String shape =
                """
                select count(*) filter (where contype = 'f' and convalidated) || ' keys, ' || (
                  select count(*) from pg_trigger t join pg_class c on c.oid = t.tgrelid
                  where c.relnamespace = 'agentbus'::regnamespace and not t.tgisinternal and t.tgenabled = 'O') || ' triggers'
                from pg_constraint where connamespace = 'agentbus'::regnamespace""";
        assertEquals(work.jdbc().queryForObject(shape, String.class), restored.queryForObject(shape, String.class));
        assertThrows(DataAccessException.class, () -> restored.update("update events set topic = 'x'"));
        assertEquals(
                0,
                restored.queryForObject(
                        "select count(*) from pg_namespace where obj_description(oid, 'pg_namespace') like 'agentbus%'",
                        Integer.class));
    }

    @Test
    void a_database_with_anything_in_it_is_left_alone() {
        exported();
        List<String> before = work.counts();
        work.jdbc()
                .update(
                        "insert into dispatcher_heartbeats (dispatcher_id, host, pid, version, wake_source, beat_seconds)"
                                + " values ('node-1', 'h', 1, '1', 'poll', 1)");

        String said = bus.run("restore", file.toString()).refused();

        work.jdbc().update("delete from dispatcher_heartbeats");
        assertTrue(said.contains("is not empty: it holds a bus with 5 jobs"), said);
        assertTrue(said.contains("A bus runs on it: node node-1 was alive"), said);
        assertEquals(before, work.counts());
    }

    @Test
    void an_export_of_a_newer_program_is_refused_before_anything_changes() throws IOException {
        exported();
        Path newer = new EditedExport(file)
                .manifest(manifest -> {
                    List<Manifest.Migration> migrations = new ArrayList<>(manifest.migrations());
                    migrations.add(new Manifest.Migration("9999", "V9999__later.sql", 1));
                    return new Manifest(
                            "9.0.0",
                            manifest.takenAt(),
                            manifest.database(),
                            manifest.server(),
                            migrations,
                            manifest.serverKeyFingerprint(),
                            manifest.newest(),
                            manifest.sequences(),
                            manifest.tables());
                })
                .write(directory.resolve("newer.zip"));
        try (EmptyDatabase empty = new EmptyDatabase(database)) {
            String said = new Installation(bus.home(), empty.url())
                    .run("restore", newer.toString())
                    .refused();

            assertTrue(said.contains("is newer than this agentbus: it has the migration 9999"), said);
            assertTrue(said.contains("agentbus 9.0.0 or newer"), said);
            assertEquals(
                    0,
                    empty.jdbc()
                            .queryForObject(
                                    "select count(*) from pg_namespace where nspname = 'agentbus'", Integer.class));
        }
    }

    @Test
    void a_damaged_export_is_refused_before_anything_changes() throws IOException {
        exported();
        byte[] whole = Files.readAllBytes(file);
        Path cut = Files.write(directory.resolve("cut.zip"), java.util.Arrays.copyOf(whole, whole.length / 2));
        Path text = Files.writeString(directory.resolve("text.zip"), "no zip");
        Path row = new EditedExport(file)
                .rows("jobs", rows -> rows.subList(1, rows.size()))
                .write(directory.resolve("row.zip"));
        Path letter = new EditedExport(file)
                .rows("agents", rows -> rows.stream()
                        .map(line -> line.replace("devops", "devopt"))
                        .toList())
                .write(directory.resolve("letter.zip"));
        Path table = new EditedExport(file).without("pauses").write(directory.resolve("table.zip"));
        try (EmptyDatabase empty = new EmptyDatabase(database)) {
            Installation other = new Installation(bus.home(), empty.url());

            assertSaid(other, cut, "is no export, or is cut off");
            assertSaid(other, text, "is no export, or is cut off");
            assertSaid(other, row, "its table jobs has 4 rows and the manifest says 5");
            assertSaid(other, letter, "the SHA-256 of its table agents is not the manifest's");
            assertSaid(other, table, "its table pauses is missing");
            assertSaid(other, directory.resolve("none.zip"), "there is no file");
            assertEquals(
                    0,
                    empty.jdbc()
                            .queryForObject(
                                    "select count(*) from pg_namespace where nspname = 'agentbus'", Integer.class));
        }
    }

    private static void assertSaid(Installation installation, Path export, String words) {
        String said = installation.run("restore", export.toString()).refused();
        assertTrue(said.contains(words), said);
    }

    @Test
    void a_restore_that_fails_half_way_leaves_a_database_on_which_no_bus_starts() throws IOException {
        exported();
        // It fits its own manifest, and its jobs refer to an agent that is not there.
        Path forged = new EditedExport(file)
                .rows("agents", rows -> List.of())
                .fitting()
                .write(directory.resolve("forged.zip"));
        try (EmptyDatabase empty = new EmptyDatabase(database)) {
            Installation other = new Installation(bus.home(), empty.url());

            String said = other.run("restore", forged.toString()).refused();

            assertTrue(said.contains("does not fit together"), said);
            assertTrue(said.contains("so no bus starts on it"), said);
            try (Database half = Database.open(other.settings())) {
                String refused = assertThrows(StartFailure.class, () -> new Migrations(half).run())
                        .getMessage();
                assertTrue(refused.contains("holds no whole bus (agentbus restore unfinished: forged.zip"), refused);
            }
            String export = other.run("export", directory.resolve("again.zip").toString())
                    .refused();
            assertTrue(export.contains("so there is nothing to export"), export);
            other.run("restore", file.toString()).done();
            assertEquals(5, empty.jdbc().queryForObject("select count(*) from jobs", Integer.class));
        }
    }

    @Test
    void a_second_restore_is_refused_while_the_first_works() throws IOException {
        exported();
        try (EmptyDatabase empty = new EmptyDatabase(database)) {
            Installation other = new Installation(bus.home(), empty.url());
            try (ExportFile export = ExportFile.open(file);
                    Database target = Database.open(other.settings());
                    Restore first = new Restore(target, new ProgramFiles(other.settings()))) {
                first.copy(export);

                assertSaid(other, file, "is under way; wait until it has ended");

                first.finish("the first", "anna", Optional.empty());
            }
            assertEquals(5, empty.jdbc().queryForObject("select count(*) from jobs", Integer.class));
            assertSameSchema(empty.jdbc());
            assertSaid(other, file, "is not empty: it holds a bus with 5 jobs");
        }
    }

    @Test
    void a_restore_takes_away_no_mark_but_its_own() throws IOException {
        exported();
        String foreign = Restore.MARK + " bus.zip of another";
        try (EmptyDatabase empty = new EmptyDatabase(database)) {
            Installation other = new Installation(bus.home(), empty.url());
            try (ExportFile export = ExportFile.open(file);
                    Database target = Database.open(other.settings());
                    Restore restore = new Restore(target, new ProgramFiles(other.settings()))) {
                restore.copy(export);
                empty.jdbc().execute("comment on schema agentbus is '" + foreign + "'");

                String said = assertThrows(StartFailure.class, () -> restore.finish("it", "anna", Optional.empty()))
                        .getMessage();

                assertTrue(said.contains("has the comment \"" + foreign + "\" in place of the mark"), said);
            }
            assertEquals(
                    foreign,
                    empty.jdbc()
                            .queryForObject(
                                    "select obj_description('agentbus'::regnamespace, 'pg_namespace')", String.class));
            assertEquals(0, empty.jdbc().queryForObject("select count(*) from pauses", Integer.class));
        }
    }

    @Test
    void a_stop_of_before_the_export_becomes_the_stop_of_the_restore() throws IOException {
        work.call("stop_everything", "{\"reason\": \"an upgrade\"}");
        work.call("pause", "{\"namespace\": \"other\", \"kind\": \"everything\", \"reason\": \"the night\"}");
        exported();
        try (EmptyDatabase empty = new EmptyDatabase(database)) {
            new Installation(bus.home(), empty.url())
                    .run("restore", file.toString())
                    .done();

            List<String> stops = empty.jdbc()
                    .queryForList(
                            "select namespace || ' ' || mode || ' ' || paused_by || ': ' || reason from pauses"
                                    + " where ended_at is null order by 1",
                            String.class);
            String stop = " stop operator:" + System.getProperty("user.name")
                    + ": restored from bus\\.zip, which is of \\S+; the export says: everything is ";
            assertEquals(2, stops.size(), stops::toString);
            assertTrue(
                    stops.get(0).matches("default" + stop + "stopped by operator:anna since \\S+Z: an upgrade"),
                    stops::toString);
            assertTrue(
                    stops.get(1).matches("other" + stop + "paused by operator:anna since \\S+Z: the night"),
                    stops::toString);
        }
    }

    @Test
    void an_export_of_an_older_version_gets_the_newer_migrations() throws IOException {
        try (EmptyDatabase old = new EmptyDatabase(database);
                EmptyDatabase empty = new EmptyDatabase(database)) {
            Installation older = new Installation(bus.home(), old.url());
            try (Database unmigrated = Database.open(older.settings())) {
                new Migrations(unmigrated).runUpTo("0016");
            }
            old.jdbc().update("insert into agents (namespace, agent_id) values ('default', 'devops')");
            old.jdbc()
                    .update(
                            "insert into jobs (namespace, target_agent, job_type, subject, state, timeout_seconds,"
                                    + " hard_timeout_seconds) values ('default', 'devops', 'reactive', 'infra.check', 'queued', 60, 60)");
            old.jdbc().update("insert into events (namespace, topic) values ('default', 'infra.checked')");
            older.run("export", file.toString()).done();

            new Installation(bus.home(), empty.url())
                    .run("restore", file.toString())
                    .done();

            assertSameSchema(empty.jdbc());
            assertEquals(List.of("queued"), empty.jdbc().queryForList("select state from jobs", String.class));
        }
    }

    @Test
    void a_missing_malformed_or_foreign_server_key_is_refused_before_anything_changes() throws IOException {
        exported();
        String fingerprint = work.jdbc()
                .queryForObject("select value from bus_facts where name = 'server_key_fingerprint'", String.class);
        try (EmptyDatabase empty = new EmptyDatabase(database)) {
            Installation elsewhere = new Installation(directory.resolve("elsewhere"), empty.url());
            Path key = elsewhere.home().resolve("data/server.key");

            assertSaid(
                    elsewhere, file, "server.key is missing, and the export is of a bus with the key " + fingerprint);
            assertFalse(Files.exists(key), "no key is made");
            assertSaid(elsewhere, file, "restore with --new-server-key");
            Files.createDirectories(key.getParent());
            Files.writeString(key, "short");
            Files.setPosixFilePermissions(key, PosixFilePermissions.fromString("rw-------"));
            assertSaid(elsewhere, file, "server.key is neither base64url nor hex");
            String malformed = elsewhere
                    .run("restore", file.toString(), "--new-server-key")
                    .refused();
            assertTrue(malformed.contains("server.key is neither base64url nor hex"), malformed);
            Files.writeString(key, "ab".repeat(32));
            assertSaid(elsewhere, file, "the server key here has the fingerprint");
            assertSaid(elsewhere, file, "Nothing was changed");
            assertEquals(
                    0,
                    empty.jdbc()
                            .queryForObject(
                                    "select count(*) from pg_namespace where nspname = 'agentbus'", Integer.class));

            // The same call, after the key was looked for and is lost.
            String out = elsewhere
                    .run("restore", file.toString(), "--new-server-key")
                    .done();

            assertTrue(out.contains("the database takes the key of this installation"), out);
            assertEquals(
                    ServerKey.load(key.getParent(), Map.of()).fingerprint(),
                    empty.jdbc()
                            .queryForObject(
                                    "select value from bus_facts where name = 'server_key_fingerprint'", String.class));
        }
    }
}
