package agentbus.backup;

import agentbus.settings.StartFailure;
import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The table of contents of an export.
 *
 * @param program the version of the program that wrote it
 * @param takenAt the time of the snapshot, by the database's clock
 * @param database the database's name
 * @param server the version of its server
 * @param migrations the applied migrations, oldest first
 * @param serverKeyFingerprint the server key that the database was set up with; empty before the first start of a bus
 * @param newest the newest times by table, of tables that have rows
 * @param sequences the last value by sequence, of sequences that were used
 * @param tables the tables in the order of their names
 */
record Manifest(
        String program,
        Instant takenAt,
        String database,
        String server,
        List<Migration> migrations,
        Optional<String> serverKeyFingerprint,
        Map<String, Instant> newest,
        Map<String, Long> sequences,
        List<Table> tables) {
    /** The number of the file's form; a program refuses an export of a form that it does not know. */
    static final int FORM = 1;

    /**
     * An applied migration.
     *
     * @param version its number, such as {@code 0016}
     * @param script its file's name
     * @param checksum Flyway's checksum of the file
     */
    record Migration(String version, String script, int checksum) {}

    /**
     * One table.
     *
     * @param name its name
     * @param columns its columns in the order of the values
     * @param rows the number of rows
     * @param bytes the number of bytes before compression
     * @param sha256 the SHA-256 of these bytes, in hex
     * @param rowSum see {@link RowSum#rowSum}
     */
    record Table(String name, List<String> columns, long rows, long bytes, String sha256, String rowSum) {
        /** The name of the table's entry in the file. */
        String entry() {
            return "tables/" + name + ".copy";
        }
    }

    /** The number of the newest migration. */
    String version() {
        return migrations.get(migrations.size() - 1).version();
    }

    /** The rows of all tables. */
    long rows() {
        return tables.stream().mapToLong(Table::rows).sum();
    }

    /** The bytes of all tables before compression. */
    long bytes() {
        return tables.stream().mapToLong(Table::bytes).sum();
    }

    /** The newest time of all; empty when no table has one. */
    Optional<Instant> lastActivity() {
        return newest.values().stream().max(Instant::compareTo);
    }

    /**
     * Puts together what a snapshot says and what was written.
     *
     * @param program the version of this program
     * @param snapshot the answer of {@code snapshot.sql}
     * @param tables the written tables
     * @return the manifest
     */
    static Manifest of(String program, JsonNode snapshot, List<Table> tables) {
        List<Migration> migrations = new ArrayList<>();
        snapshot.path("migrations")
                .forEach(each -> migrations.add(new Migration(
                        each.path("version").asText(),
                        each.path("script").asText(),
                        each.path("checksum").asInt())));
        return new Manifest(
                program,
                time(snapshot.path("takenAt")),
                snapshot.path("database").asText(),
                snapshot.path("server").asText(),
                migrations,
                Optional.ofNullable(snapshot.path("serverKeyFingerprint").textValue()),
                newest(snapshot.path("newest")),
                sequences(snapshot.path("sequences")),
                List.copyOf(tables));
    }

    /** The newest times in the answer of {@code snapshot.sql}, without tables that have none. */
    static Map<String, Instant> newest(JsonNode times) {
        Map<String, Instant> newest = new TreeMap<>();
        times.properties().forEach(each -> {
            if (each.getValue().isTextual()) {
                newest.put(each.getKey(), time(each.getValue()));
            }
        });
        return newest;
    }

    /** The values of the sequences in the answer of {@code snapshot.sql}. */
    static Map<String, Long> sequences(JsonNode rows) {
        Map<String, Long> values = new TreeMap<>();
        rows.forEach(each ->
                values.put(each.path("name").asText(), each.path("lastValue").asLong()));
        return values;
    }

    /** The manifest as the file holds it. */
    String json() {
        ObjectNode json = Json.object();
        json.put("form", FORM);
        json.put("program", program);
        json.put("takenAt", takenAt.toString());
        json.put("database", database);
        json.put("server", server);
        serverKeyFingerprint.ifPresent(fingerprint -> json.put("serverKeyFingerprint", fingerprint));
        ArrayNode scripts = json.putArray("migrations");
        migrations.forEach(each -> scripts.addObject()
                .put("version", each.version())
                .put("script", each.script())
                .put("checksum", each.checksum()));
        ObjectNode times = json.putObject("newest");
        newest.forEach((table, at) -> times.put(table, at.toString()));
        ArrayNode values = json.putArray("sequences");
        sequences.forEach((name, value) -> values.addObject().put("name", name).put("lastValue", value));
        ArrayNode all = json.putArray("tables");
        for (Table table : tables) {
            ObjectNode each = all.addObject()
                    .put("name", table.name())
                    .put("rows", table.rows())
                    .put("bytes", table.bytes())
                    .put("sha256", table.sha256())
                    .put("rowSum", table.rowSum());
            ArrayNode columns = each.putArray("columns");
            table.columns().forEach(columns::add);
        }
        return json.toPrettyString();
    }

    /**
     * Reads the manifest of a file.
     *
     * @param text the text of {@code manifest.json}
     * @param file the file's name, for messages
     * @return the manifest
     * @throws StartFailure if the text is no manifest, or of a form that this program does not know
     */
    static Manifest parse(String text, String file) {
        JsonNode json;
        try {
            json = Json.read(text);
        } catch (JsonProcessingException e) {
            throw new StartFailure(file + " is damaged: its manifest.json is no JSON", e);
        }
        int form = json.path("form").asInt();
        if (form != FORM) {
            throw new StartFailure(file + " is of the form " + form + ", and this agentbus reads form " + FORM
                    + "; use the agentbus that wrote it ("
                    + json.path("program").asText() + ")");
        }
        List<Table> tables = new ArrayList<>();
        json.path("tables").forEach(each -> {
            List<String> columns = new ArrayList<>();
            each.path("columns").forEach(column -> columns.add(column.asText()));
            tables.add(new Table(
                    each.path("name").asText(),
                    columns,
                    each.path("rows").asLong(),
                    each.path("bytes").asLong(),
                    each.path("sha256").asText(),
                    each.path("rowSum").asText()));
        });
        try {
            Manifest manifest = of(json.path("program").asText(), json, tables);
            if (manifest.migrations().isEmpty() || tables.isEmpty()) {
                throw new StartFailure(file + " is no whole export: its manifest names no migration or no table");
            }
            return manifest;
        } catch (DateTimeException e) {
            throw new StartFailure(file + " is damaged: its manifest.json has a time that is none", e);
        }
    }

    private static Instant time(JsonNode value) {
        return OffsetDateTime.parse(value.asText()).toInstant();
    }
}
