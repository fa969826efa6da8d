package agentbus.backup;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.db.Cleanup;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A draft gets its name on every kind of disk, never takes that of another file, and does not outlive its process. */
class DraftFileTest {
    @TempDir
    private Path directory;

    private List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(each -> each.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void a_disk_without_hard_links_takes_a_file() throws IOException {
        Path file = directory.resolve("bus.zip");
        try (DraftFile draft = DraftFile.begin(new LinklessFileSystem().path(file))) {
            draft.out().write("rows".getBytes(StandardCharsets.UTF_8));
            draft.publish();
        }

        assertEquals("rows", Files.readString(file));
        assertEquals(List.of("bus.zip"), names());
    }

    @Test
    void a_file_that_took_the_name_meanwhile_stays() throws IOException {
        for (Path file :
                List.of(directory.resolve("bus.zip"), new LinklessFileSystem().path(directory.resolve("bus.zip")))) {
            try (DraftFile draft = DraftFile.begin(file)) {
                Files.writeString(directory.resolve("bus.zip"), "another");

                String said = assertThrows(IOException.class, draft::publish).getMessage();

                assertTrue(said.contains("another file took the name meanwhile"), said);
            }
            assertEquals("another", Files.readString(directory.resolve("bus.zip")));
            assertEquals(List.of("bus.zip"), names());
            Files.delete(directory.resolve("bus.zip"));
        }
    }

    @Test
    void a_process_that_is_asked_to_end_leaves_no_draft_and_no_directory() throws Exception {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Djava.io.tmpdir=" + directory,
                        "-cp",
                        System.getProperty("java.class.path"),
                        Drafts.class.getName(),
                        directory.resolve("bus.zip").toString())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        try {
            assertEquals('y', process.getInputStream().read(), "the draft is begun");
            assertEquals(2, names().size(), names()::toString);

            process.destroy();

            assertTrue(process.waitFor(30, TimeUnit.SECONDS), "it ends");
            assertEquals(List.of(), names());
        } finally {
            process.destroyForcibly();
        }
    }

    /** Begins a draft and a temporary directory with a file in it, and waits for its input, which never comes. */
    static final class Drafts {
        private Drafts() {}

        public static void main(String[] args) throws Exception {
            DraftFile draft = DraftFile.begin(Path.of(args[0]));
            Path made = Scratch.directory("agentbus-export-", new Cleanup("test"));
            Files.writeString(made.resolve("drill.zip"), "rows");
            draft.out().write('r');
            System.out.print('y');
            System.out.flush();
            System.in.read();
            draft.close();
        }
    }
}
