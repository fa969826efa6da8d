package agentbus.vault;

import agentbus.contract.Contract;
import agentbus.db.Database;
import agentbus.harness.TestDatabase;
import agentbus.settings.ProgramFiles;
import agentbus.settings.Settings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** A vault in a folder of a test, on the database of the test. */
final class Vault implements AutoCloseable {
    private static final Contract CONTRACT = Contract.load();

    private final Path folder;
    private final Settings settings;
    private final Database database;

    Vault(TestDatabase database, Path folder) {
        this.folder = folder;
        this.settings = Settings.load(folder.getParent(), Map.of("DATABASE_URL", database.url()), Map.of());
        this.database = Database.open(settings);
    }

    VaultExport.Written export() {
        return export("default", "shared");
    }

    VaultExport.Written export(String namespace, String visibility) {
        return exportTo(folder, namespace, visibility);
    }

    VaultExport.Written exportTo(Path other, String namespace, String visibility) {
        return new VaultExport(database, new ProgramFiles(settings)).write(other, namespace, visibility, "anna");
    }

    /** Exports as the nightly route does. */
    void nightly() {
        new NightlyVault(
                        database,
                        new ProgramFiles(settings),
                        Settings.load(
                                folder.getParent(), Map.of(), Map.of("agentbus.vault.directory", folder.toString())))
                .export();
    }

    VaultCheck.Checked verify() {
        return new VaultCheck(database, new ProgramFiles(settings)).verify(folder, "shared", "anna");
    }

    /** The differences, each as its kind and path. */
    List<String> differences() {
        return verify().differences().stream()
                .map(each -> each.kind().word() + " " + each.path())
                .toList();
    }

    /** What the edits would do, without doing it. */
    VaultImport.Report plan(String... files) {
        return importing(null, false, files);
    }

    /** Does what all edits would do. */
    VaultImport.Report apply(String reason, String... files) {
        return importing(reason, true, files);
    }

    private VaultImport.Report importing(String reason, boolean told, String... files) {
        return new VaultImport(database, new ProgramFiles(settings), CONTRACT, "anna")
                .run(
                        new VaultImport.Request(
                                folder, "shared", Stream.of(files).map(Path::of).toList(), reason),
                        told,
                        line -> told);
    }

    Path folder() {
        return folder;
    }

    Path file(String path) {
        return folder.resolve(path);
    }

    String read(String path) {
        try {
            return Files.readString(file(path));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void write(String path, String text) {
        try {
            Files.createDirectories(file(path).getParent());
            Files.writeString(file(path), text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** All notes by their paths, without hidden files. */
    static Map<String, String> notes(Path folder) {
        Map<String, String> notes = new TreeMap<>();
        try (Stream<Path> files = Files.walk(folder)) {
            files.filter(Files::isRegularFile)
                    .filter(file -> !file.getFileName().toString().startsWith("."))
                    .forEach(file -> {
                        try {
                            notes.put(folder.relativize(file).toString(), Files.readString(file));
                        } catch (IOException e) {
                            throw new UncheckedIOException(e);
                        }
                    });
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return notes;
    }

    Map<String, String> notes() {
        return notes(folder);
    }

    /** The path of the one note whose name contains some words. */
    String path(String words) {
        return notes().keySet().stream()
                .filter(path -> path.contains(words) && !path.endsWith(NoteNames.CONFLICT_ENDING))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no note with " + words + " among " + notes().keySet()));
    }

    @Override
    public void close() {
        database.close();
    }
}
