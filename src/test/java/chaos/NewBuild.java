package chaos;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A next version of the bus, as a node of this version sees it: this build with one more migration, with which all functions
 * are written again.
 *
 * @param classPath its classes
 * @param version the number of its migration
 */
record NewBuild(String classPath, String version) {

    /** Makes one in a directory. */
    static NewBuild of(Path directory) throws IOException {
        Path classes = Path.of("target", "classes").toAbsolutePath();
        try (Stream<Path> files = Files.walk(classes)) {
            for (Path file : files.toList()) {
                Path copy = directory.resolve(classes.relativize(file).toString());
                if (Files.isDirectory(file)) {
                    Files.createDirectories(copy);
                } else {
                    Files.copy(file, copy);
                }
            }
        }
        Path migrations = directory.resolve("sql/migrations");
        int newest;
        try (Stream<Path> files = Files.list(migrations)) {
            newest = files.map(file -> file.getFileName().toString())
                    .filter(name -> name.matches("V\\d{4}__.*"))
                    .mapToInt(name -> Integer.parseInt(name.substring(1, 5)))
                    .max()
                    .orElseThrow();
        }
        String version = "%04d".formatted(newest + 1);
        Files.writeString(
                migrations.resolve("V" + version + "__chaos.sql"),
                """
                -- What a release brings: a column with a default, an index, a check that is added without a scan.
                alter table jobs add column chaos_note text not null default 'new';
                create index jobs_by_chaos_note on jobs (namespace, chaos_note) where chaos_note <> 'new';
                alter table job_attempts add constraint chaos_note_is_short check (length(summary) < 100000) not valid;
                """);
        try (Stream<Path> files = Files.walk(directory.resolve("sql/functions"))) {
            for (Path function : files.filter(Files::isRegularFile).toList()) {
                Files.writeString(function, "\n-- Of the next version.\n", StandardOpenOption.APPEND);
            }
        }
        // An empty entry means the current directory, which holds the sql/ of the old build.
        String classPath = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> !entry.isEmpty())
                .map(entry -> entry.equals(classes.toString()) ? directory.toString() : entry)
                .collect(Collectors.joining(File.pathSeparator));
        if (!classPath.contains(directory.toString())) {
            throw new IllegalStateException(classes + " is not on the class path");
        }
        return new NewBuild(classPath, version);
    }
}
