package agentbus.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is missing for the peers is said in words. */
class PeerTest {
    private static final Path SCRIPT = Path.of("src/bench/peers/install.sh").toAbsolutePath();

    @Test
    void a_release_has_no_peers_and_says_so(@TempDir Path release) {
        BenchFailure refused = assertThrows(BenchFailure.class, () -> Peer.install(release, release));
        assertTrue(
                refused.getMessage().startsWith("bench peers needs the source tree of agentbus"), refused.getMessage());
    }

    @Test
    void a_failed_installation_tells_its_last_words(@TempDir Path source) throws Exception {
        Path script = source.resolve("src/bench/peers/install.sh");
        Files.createDirectories(script.getParent());
        Files.writeString(script, "echo 'the registry is closed' >&2\nexit 1\n");

        BenchFailure refused = assertThrows(BenchFailure.class, () -> Peer.install(source, source));
        assertEquals("the installation of the peers has ended: the registry is closed", refused.getMessage());
    }

    @Test
    void the_installation_names_the_program_that_is_missing(@TempDir Path directory) throws Exception {
        Path programs = Files.createDirectory(directory.resolve("bin"));
        Files.createSymbolicLink(programs.resolve("dirname"), Path.of("/usr/bin/dirname"));
        ProcessBuilder install = new ProcessBuilder("/bin/bash", SCRIPT.toString(), directory.resolve("peers") + "");
        install.environment().put("PATH", programs.toString());

        Process process = install.start();

        String words = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(1, process.waitFor());
        assertEquals("there is no node; the peer graphile-worker needs Node with npm 10 or newer\n", words);
    }
}
