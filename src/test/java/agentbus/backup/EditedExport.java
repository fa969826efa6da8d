package agentbus.backup;

import agentbus.text.Sha256;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/** A copy of an export that somebody has edited. */
final class EditedExport {
    private final Map<String, byte[]> entries = new LinkedHashMap<>();

    /** Reads an export. */
    EditedExport(Path file) throws IOException {
        try (ZipFile zip = new ZipFile(file.toFile())) {
            for (ZipEntry entry : zip.stream().map(ZipEntry.class::cast).toList()) {
                entries.put(entry.getName(), zip.getInputStream(entry).readAllBytes());
            }
        }
    }

    /** The rows of a table. */
    List<String> rows(String table) {
        return new String(entries.get(entry(table)), StandardCharsets.UTF_8)
                .lines()
                .toList();
    }

    EditedExport without(String table) {
        entries.remove(entry(table));
        return this;
    }

    /** Changes the rows of a table, and nothing else. */
    EditedExport rows(String table, UnaryOperator<List<String>> change) {
        StringBuilder text = new StringBuilder();
        change.apply(new ArrayList<>(rows(table)))
                .forEach(row -> text.append(row).append('\n'));
        entries.put(entry(table), text.toString().getBytes(StandardCharsets.UTF_8));
        return this;
    }

    /** Changes the manifest, and the checksums with it. */
    EditedExport manifest(UnaryOperator<Manifest> change) {
        Manifest manifest = change.apply(
                Manifest.parse(new String(entries.get(Export.MANIFEST), StandardCharsets.UTF_8), "the export"));
        entries.put(Export.MANIFEST, manifest.json().getBytes(StandardCharsets.UTF_8));
        StringBuilder sums = new StringBuilder();
        entries.forEach((name, bytes) -> {
            if (!name.equals(Export.SUMS)) {
                sums.append(Sha256.hex(bytes)).append("  ").append(name).append('\n');
            }
        });
        entries.put(Export.SUMS, sums.toString().getBytes(StandardCharsets.UTF_8));
        return this;
    }

    /** Writes numbers into the manifest that fit the changed tables, as a forger would. */
    EditedExport fitting() {
        return manifest(manifest -> with(
                manifest,
                manifest.tables().stream()
                        .filter(table -> entries.containsKey(table.entry()))
                        .map(this::summed)
                        .toList()));
    }

    static Manifest with(Manifest old, List<Manifest.Table> tables) {
        return new Manifest(
                old.program(),
                old.takenAt(),
                old.database(),
                old.server(),
                old.migrations(),
                old.serverKeyFingerprint(),
                old.newest(),
                old.sequences(),
                tables);
    }

    private Manifest.Table summed(Manifest.Table table) {
        RowSum sum = new RowSum();
        rows(table.name()).forEach(row -> sum.add((row + "\n").getBytes(StandardCharsets.UTF_8)));
        return new Manifest.Table(
                table.name(), table.columns(), sum.rows(), sum.bytes(), sum.sha256Hex(), sum.rowSum());
    }

    /** Writes the copy. */
    Path write(Path file) throws IOException {
        try (OutputStream out = Files.newOutputStream(file);
                ZipOutputStream zip = new ZipOutputStream(out)) {
            for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
                zip.putNextEntry(new ZipEntry(entry.getKey()));
                zip.write(entry.getValue());
                zip.closeEntry();
            }
        }
        return file;
    }

    private static String entry(String table) {
        return "tables/" + table + ".copy";
    }
}
