package agentbus.backup;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.TestDatabase;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** A drill passes for a whole export, and fails for every other one, and says which part is wrong. */
class RestoreDrillTest extends FilledInstallation {
    RestoreDrillTest(TestDatabase database) {
        super(database);
    }

    private void export() {
        bus.run("export", file.toString()).done();
    }

    private Map<String, Object> row() {
        return work.jdbc().queryForMap("select * from restore_drills order by ended_at desc limit 1");
    }

    /** Drills with a file, and asserts that the drill fails with these words about this check. */
    private void assertFails(Path export, String check, String words) {
        Installation.Run run = bus.run("restore-drill", export.toString());

        assertEquals(1, run.exit(), run.out() + run.err());
        String line = run.out()
                .lines()
                .filter(each -> each.matches("  FAILED +" + check + " .*"))
                .findFirst()
                .orElse(run.out());
        assertTrue(line.contains(words), run.out());
        assertEquals(false, row().get("ok"));
        assertTrue(row().get("findings").toString().contains(words.replace("\"", "\\\"")), row()::toString);
        assertEquals(
                0,
                work.jdbc()
                        .queryForObject(
                                "select count(*) from pg_database where datname = 'agentbus_restore_drill'",
                                Integer.class));
    }

    @Test
    void a_drill_proves_an_export_of_the_running_database_and_keeps_the_outcome() {
        String out = bus.run("restore-drill").done();

        assertTrue(out.contains("a bus on it shows job "), out);
        assertTrue(out.contains("The drill has passed"), out);
        Map<String, Object> row = row();
        assertEquals(true, row.get("ok"), row::toString);
        assertTrue(((Number) row.get("rto_seconds")).doubleValue() > 0, row::toString);
        assertEquals("an export made for the drill", row.get("source"));
        assertNull(row.get("rpo_seconds"), "it says nothing about the age of the backups");
        assertTrue(out.contains("RPO       not measured: an export made for the drill says nothing"), out);
        assertEquals(
                "operator:" + System.getProperty("user.name"),
                work.jdbc()
                        .queryForObject(
                                "select actor from audit_log where action = 'restore_drill.added'", String.class));
        assertEquals(
                1,
                work.jdbc()
                        .queryForObject(
                                "select value::int from measures() where metric = 'agentbus_last_restore_drill_ok'",
                                Integer.class));
        // The drill's bus changed only its own database.
        assertEquals(0, work.jdbc().queryForObject("select count(*) from pauses", Integer.class));
        assertEquals(
                0,
                work.jdbc()
                        .queryForObject(
                                "select count(*) from pg_database where datname = 'agentbus_restore_drill'",
                                Integer.class));
    }

    @Test
    void a_drill_of_a_file_keeps_its_age() {
        export();

        String out = bus.run("restore-drill", file.toString()).done();

        assertTrue(out.contains(", the age of the export"), out);
        assertTrue(((Number) row().get("rpo_seconds")).doubleValue() >= 0, row()::toString);
    }

    @Test
    void a_drill_that_cannot_make_its_export_is_kept_as_failed() {
        work.jdbc().execute("comment on schema agentbus is 'agentbus restore unfinished: bus.zip'");
        Installation.Run run;
        try {
            run = bus.run("restore-drill");
        } finally {
            work.jdbc().execute("comment on schema agentbus is null");
        }

        assertEquals(1, run.exit(), run.out() + run.err());
        assertTrue(run.out().contains("holds no whole bus"), run.out() + run.err());
        assertTrue(run.out().contains("The drill has FAILED"), run.out());
        assertEquals(false, row().get("ok"));
        assertTrue(row().get("findings").toString().contains("\"check\": \"export\""), row()::toString);
    }

    @Test
    void an_export_without_a_table_fails() throws IOException {
        export();
        assertFails(
                new EditedExport(file).without("job_attempts").write(directory.resolve("a.zip")),
                "file",
                "its table job_attempts is missing");
        // A forger's manifest knows nothing of the table either.
        assertFails(
                new EditedExport(file).without("job_attempts").fitting().write(directory.resolve("b.zip")),
                "restore",
                "it has no table job_attempts");
    }

    @Test
    void an_export_without_a_row_fails() throws IOException {
        export();
        assertFails(
                new EditedExport(file)
                        .rows("events", rows -> rows.subList(1, rows.size()))
                        .write(directory.resolve("a.zip")),
                "file",
                "its table events has");
        // Nothing refers to the attempt of the job that is done, but the rules of the tables miss it.
        String ended = new EditedExport(file)
                .rows("job_attempts").stream()
                        .filter(row -> row.contains("succeeded"))
                        .findFirst()
                        .orElseThrow();
        assertFails(
                new EditedExport(file)
                        .rows("job_attempts", rows -> {
                            List<String> left = new ArrayList<>(rows);
                            left.remove(ended);
                            return left;
                        })
                        .fitting()
                        .write(directory.resolve("b.zip")),
                "invariants",
                "attempt numbers have a gap");
    }

    @Test
    void an_export_with_a_changed_byte_fails() throws IOException {
        export();
        byte[] bytes = Files.readAllBytes(file);
        Path flipped = directory.resolve("flipped.zip");
        // Within the compressed rows: a byte of a header of the archive would change no row.
        String name = "tables/job_attempts.copy";
        bytes[new String(bytes, StandardCharsets.ISO_8859_1).indexOf(name) + name.length() + 20] ^= 1;
        Files.write(flipped, bytes);

        Installation.Run run = bus.run("restore-drill", flipped.toString());

        assertEquals(1, run.exit(), run.out());
        assertTrue(run.out().contains("is damaged or was edited"), run.out());
        assertEquals(false, row().get("ok"));
    }

    @Test
    void an_export_without_the_newest_hour_fails() throws IOException {
        work.jdbc().execute("alter table audit_log disable trigger user");
        work.jdbc()
                .update(
                        "update audit_log set created_at = created_at - case when audit_id ="
                                + " (select max(audit_id) from audit_log) then interval '30 minutes' else interval '90 minutes' end");
        work.jdbc().execute("alter table audit_log enable trigger user");
        export();
        String newest = work.jdbc().queryForObject("select max(audit_id)::text from audit_log", String.class);
        EditedExport cut = new EditedExport(file).rows("audit_log", rows -> rows.stream()
                .filter(row -> !row.startsWith(newest + "\t"))
                .toList());
        // The manifest of the whole export knows a newer row.
        assertFails(
                cut.fitting().write(directory.resolve("a.zip")), "restore", "the newest times of the restored tables");
        // A forged one does not, and the database of the bus does.
        assertFails(
                cut.manifest(manifest -> {
                            Map<String, java.time.Instant> times = new java.util.TreeMap<>(manifest.newest());
                            times.computeIfPresent("audit_log", (table, at) -> at.minusSeconds(3600));
                            return new Manifest(
                                    manifest.program(),
                                    manifest.takenAt(),
                                    manifest.database(),
                                    manifest.server(),
                                    manifest.migrations(),
                                    manifest.serverKeyFingerprint(),
                                    times,
                                    manifest.sequences(),
                                    manifest.tables());
                        })
                        .write(directory.resolve("b.zip")),
                "newest",
                "the newest rows are missing in the export");
    }

    @Test
    void an_export_of_a_copy_that_stands_still_fails() throws IOException {
        export();
        Path still = new EditedExport(file)
                .manifest(manifest -> new Manifest(
                        manifest.program(),
                        manifest.takenAt().plusSeconds(87L * 86_400),
                        manifest.database(),
                        manifest.server(),
                        manifest.migrations(),
                        manifest.serverKeyFingerprint(),
                        manifest.newest(),
                        manifest.sequences(),
                        manifest.tables()))
                .write(directory.resolve("still.zip"));

        assertFails(still, "newest", "87 d 0 h before the export: was it made from a copy that stands still?");
    }

    @Test
    void a_database_with_a_broken_rule_fails() {
        work.jdbc().update("update jobs set attempt_no = 7 where state = 'succeeded'");
        export();

        assertFails(file, "invariants", "attempt numbers have a gap");
    }

    @Test
    void a_foreign_server_key_fails() throws IOException {
        export();
        Files.writeString(bus.home().resolve("data/server.key"), "ab".repeat(32));

        assertFails(file, "server key", "the server key here has the fingerprint");
    }

    @Test
    void a_drill_that_has_nothing_to_compare_fails() throws IOException {
        database.clear();
        work.jdbc().queryForObject("select agree_on_server_key('0011223344556677')", String.class);
        export();

        assertFails(file, "content", "so there is nothing to compare");
    }

    @Test
    void a_wrong_option_is_refused_in_words() {
        assertTrue(bus.run("restore-drill", "--scratch", "moon")
                .refused()
                .contains("--scratch is moon; it must be server, own or auto"));
        assertTrue(bus.run("restore-drill", "--window-hours", "0")
                .refused()
                .contains("it must be a whole number from 1 to 8760"));
    }
}
