package agentbus.backup;

import agentbus.db.Database;
import agentbus.db.Migrations;
import agentbus.db.Operator;
import agentbus.settings.OperatorTokenFile;
import agentbus.settings.ProgramFiles;
import agentbus.settings.Settings;
import agentbus.settings.StartFailure;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;

/**
 * Proves an export: restores it into a scratch database, compares, checks the rules of the tables, and starts a bus on it
 * that must show a job. A check that could not be made fails the drill, and so does a drill that had nothing to compare.
 */
final class RestoreDrill {
    /** Chosen: a transaction that began this long before the export has ended or is in it. */
    private static final Duration LATE_COMMITS = Duration.ofMinutes(5);
    /** Chosen: cascades of a busy moment end within a second; ten leave room for the pauses between their batches. */
    private static final Duration CASCADES = Duration.ofSeconds(10);
    /** Chosen: the pause between two looks at the cascades. */
    private static final Duration LOOK = Duration.ofMillis(100);
    /** Chosen: a job on loopback takes milliseconds. */
    private static final Duration ANSWER = Duration.ofSeconds(30);

    private final Settings settings;
    private final Map<String, String> environment;
    private final Database live;
    private final ProgramFiles files;
    private final BusStarter starter;

    /**
     * Drills of one installation.
     *
     * @param settings the settings of the bus
     * @param environment the environment's variables, which may hold the server key
     * @param live the database of the bus
     * @param starter starts the bus on the scratch database
     */
    RestoreDrill(Settings settings, Map<String, String> environment, Database live, BusStarter starter) {
        this.settings = settings;
        this.environment = environment;
        this.live = live;
        this.files = new ProgramFiles(settings);
        this.starter = starter;
    }

    /**
     * What a drill has found.
     *
     * @param findings its checks
     * @param startedAt when it began
     * @param rto from the begin of the restore to the answer of the bus; empty if it did not answer
     * @param rpo the age of the export when the drill began; empty if it could not be read, or was made for the
     *     drill
     */
    record Outcome(Findings findings, Instant startedAt, Optional<Duration> rto, Optional<Duration> rpo) {
        /** Whether every check was made and passed. */
        boolean ok() {
            return findings.ok() && rto.isPresent();
        }

        /** The same without an RPO: a drill with an export of its own tells nothing about the age of the backups. */
        Outcome withoutRpo() {
            return new Outcome(findings, startedAt, rto, Optional.empty());
        }
    }

    /**
     * Drills with an export.
     *
     * @param export the export
     * @param startedAt when the drill began
     * @param place where to restore
     * @param window how old the newest row of the export may be, at the time of the export
     * @return what was found; nothing is left of the scratch database
     */
    Outcome run(ExportFile export, Instant startedAt, Scratch.Place place, Duration window) {
        Findings findings = new Findings();
        Manifest manifest = export.manifest();
        findings.check("file", () -> {
            export.verify();
            return manifest.tables().size() + " tables with " + manifest.rows()
                    + " rows, each with the SHA-256 of the manifest";
        });
        findings.check("content", () -> content(manifest));
        findings.check("newest", () -> newest(manifest, window));
        findings.check("server key", () -> key(manifest));
        Optional<Duration> rto = Optional.empty();
        long began = System.nanoTime();
        try (Scratch scratch = Scratch.make(live, settings, files, place);
                Restore restore = new Restore(scratch.database(), files)) {
            findings.check("restore", () -> restore(export, scratch, restore), "file");
            findings.check("invariants", () -> invariants(scratch), "restore");
            findings.check("bus", () -> bus(scratch, restore), "restore", "server key", "content");
            if (findings.ok()) {
                rto = Optional.of(Duration.ofNanos(System.nanoTime() - began));
            }
        } catch (StartFailure | UncheckedIOException noScratch) {
            findings.check("scratch database", () -> {
                throw noScratch;
            });
        }
        return new Outcome(
                findings,
                startedAt,
                rto,
                Optional.of(Duration.between(manifest.takenAt(), startedAt))
                        .map(age -> age.isNegative() ? Duration.ZERO : age));
    }

    /**
     * Keeps the outcome in the database of the bus.
     *
     * @param outcome the outcome
     * @param source the export's file, or that it was made for the drill
     * @param actor the operator who drills
     */
    void record(Outcome outcome, String source, String actor) {
        ObjectNode input = Json.object();
        input.put("startedAt", outcome.startedAt().toString());
        input.put("endedAt", Instant.now().toString());
        input.put("ok", outcome.ok());
        outcome.rto().ifPresent(rto -> input.put("rtoSeconds", rto.toMillis() / 1000.0));
        outcome.rpo().ifPresent(rpo -> input.put("rpoSeconds", rpo.toMillis() / 1000.0));
        input.put("source", source);
        input.set("findings", outcome.findings().json());
        ObjectNode principal = Operator.principal(actor);
        try (BackupSql sql = new BackupSql(live.unpooled(), files)) {
            sql.value("record-drill", principal.toString(), input.toString());
        } catch (SQLException e) {
            throw BackupSql.failure("cannot keep the outcome of the drill in the " + live, e);
        }
    }

    /** Refuses a database that cannot keep the outcome, before anything is restored. */
    void requireRecord() {
        try (BackupSql sql = new BackupSql(live.unpooled(), files)) {
            if (!"true".equals(sql.value("drills-kept"))) {
                throw new StartFailure("the " + live + " has no table restore_drills of this version, which keeps the"
                        + " outcome; start this version of the bus on it once, then drill");
            }
        } catch (SQLException e) {
            throw BackupSql.failure("cannot drill", e);
        }
    }

    private static String content(Manifest manifest) {
        long jobs = rows(manifest, "jobs") + rows(manifest, "jobs_history");
        long audit = rows(manifest, "audit_log") + rows(manifest, "audit_log_history");
        if (jobs == 0 || audit == 0) {
            throw new StartFailure("the export has " + jobs + " jobs and " + audit
                    + " audit rows, so there is nothing to compare; drill again when the bus has worked");
        }
        return jobs + " jobs and " + audit + " audit rows, live and retired";
    }

    private static long rows(Manifest manifest, String table) {
        return manifest.tables().stream()
                .filter(each -> each.name().equals(table))
                .mapToLong(Manifest.Table::rows)
                .sum();
    }

    /** Finds an export of a copy that stands still, and one whose newest rows are missing. */
    private String newest(Manifest manifest, Duration window) throws SQLException {
        Instant last = manifest.lastActivity()
                .orElseThrow(() -> new StartFailure("no table of the export has a time, so its age cannot be told"));
        Duration still = Duration.between(last, manifest.takenAt());
        if (still.compareTo(window) > 0) {
            throw new StartFailure("the newest row of the export is of " + last + ", " + Times.age(still)
                    + " before the export: was it made from a copy that stands still? A bus that was stopped so long"
                    + " needs --window-hours");
        }
        Instant audit = manifest.newest().get("audit_log");
        String before = manifest.takenAt().minus(LATE_COMMITS).toString();
        try (BackupSql sql = new BackupSql(live.unpooled(), files)) {
            JsonNode here = sql.json("newest-before", before, before).path("newest");
            if (here.isTextual()) {
                Instant expected =
                        Manifest.newest(Json.object().set("audit_log", here)).get("audit_log");
                if (audit == null || audit.isBefore(expected)) {
                    throw new StartFailure("the newest audit row of the export is of " + audit + ", and the " + live
                            + " has one of " + expected + ", which is before the export too: the newest rows are"
                            + " missing in the export, or it is of another database");
                }
            }
        }
        return "the newest row is of " + last + ", " + Times.age(still) + " before the export";
    }

    private String key(Manifest manifest) {
        if (manifest.serverKeyFingerprint().isEmpty()) {
            throw new StartFailure(
                    "the export has no fingerprint of a server key, so no bus has started on its database");
        }
        KeyAdvice.wrong(manifest, settings, environment).ifPresent(advice -> {
            throw new StartFailure(advice);
        });
        return "the key here is the export's ("
                + manifest.serverKeyFingerprint().get() + ")";
    }

    private String restore(ExportFile export, Scratch scratch, Restore restore) {
        restore.copy(export);
        new Migrations(scratch.database()).validate();
        return "every table has the rows of the manifest, and all migrations are applied (in the " + scratch.database()
                + ")";
    }

    private String invariants(Scratch scratch) throws SQLException {
        try (BackupSql sql = new BackupSql(scratch.database().unpooled(), files)) {
            long end = System.nanoTime() + CASCADES.toNanos();
            // A cascade that was under way at the snapshot has still to move jobs, as the bus would.
            while ("true".equals(sql.value("settle-cascades"))
                    || !"0".equals(sql.value("cascades-left")) && System.nanoTime() < end) {
                LockSupport.parkNanos(LOOK.toNanos());
            }
            JsonNode broken = sql.json("broken-invariants");
            if (!broken.isEmpty()) {
                StringBuilder said = new StringBuilder();
                broken.forEach(each -> said.append(said.isEmpty() ? "" : "; ")
                        .append(each.path("rule").asText())
                        .append(": ")
                        .append(each.path("row").asText()));
                throw new StartFailure("broken rules: " + said);
            }
            return "all rules of the tables hold";
        }
    }

    private String bus(Scratch scratch, Restore restore) throws IOException, InterruptedException, SQLException {
        JsonNode sample;
        try (BackupSql sql = new BackupSql(scratch.database().unpooled(), files)) {
            sample = sql.json("sample-job");
        }
        restore.finish("restore drill", "restore-drill", Optional.empty());
        Settings own = scratch.busSettings(settings.text("agentbus.source.dir"));
        try (BusStarter.Started bus = starter.start(own, Scratch.busEnvironment(settings, environment))) {
            String job = sample.path("jobId").asText();
            String token =
                    OperatorTokenFile.find(own.dataDirectory()).orElseThrow().token();
            URI address = URI.create(bus.url() + "/v1/jobs/" + job + "?namespace="
                    + URLEncoder.encode(sample.path("namespace").asText(), StandardCharsets.UTF_8));
            HttpResponse<String> answer = HttpClient.newBuilder()
                    .version(HttpClient.Version.HTTP_1_1)
                    .connectTimeout(ANSWER)
                    .build()
                    .send(
                            HttpRequest.newBuilder(address)
                                    .timeout(ANSWER)
                                    .header("Authorization", "Bearer " + token)
                                    .build(),
                            BodyHandlers.ofString());
            JsonNode found = answer.statusCode() == 200 ? Json.read(answer.body()) : Json.object();
            if (!found.findPath("jobId").asText().equals(job)
                    || !found.findPath("subject")
                            .asText()
                            .equals(sample.path("subject").asText())) {
                throw new StartFailure("the bus on the restored database answers " + answer.statusCode()
                        + " and does not show job " + job);
            }
            return "a bus on it shows job " + job;
        }
    }
}
