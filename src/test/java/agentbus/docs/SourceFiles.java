package agentbus.docs;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The repository's files, as the document tests search them. */
final class SourceFiles {
    private SourceFiles() {}

    /** The files below a directory whose name has one of these endings, sorted. */
    static List<Path> below(String directory, String... endings) {
        try (Stream<Path> files = Files.walk(Path.of(directory))) {
            return files.filter(Files::isRegularFile)
                    .filter(file -> Stream.of(endings)
                            .anyMatch(ending -> file.getFileName().toString().endsWith(ending)))
                    .sorted()
                    .toList();
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    /** The text of all files below a directory with one of these endings. */
    static String text(String directory, String... endings) {
        return below(directory, endings).stream().map(SourceFiles::text).collect(Collectors.joining("\n"));
    }
}
