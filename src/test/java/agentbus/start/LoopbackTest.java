package agentbus.start;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Out of the box nobody from elsewhere can knock: neither at the bus nor at the Postgres of its own. */
class LoopbackTest {
    @Test
    @EnabledOnOs(OS.LINUX)
    void nothing_listens_beyond_loopback_by_default(@TempDir Path home) throws Exception {
        try (BusProcess bus = BusProcess.start(
                home,
                Map.of(
                        "agentbus.http.port",
                        "0",
                        "agentbus.agents.dir",
                        Path.of("agents").toAbsolutePath().toString(),
                        "agentbus.database.embedded-binaries-dir",
                        Path.of("target", "postgres-binaries").toAbsolutePath().toString()))) {
            // No child of the bus: it must outlive a bus that is killed.
            String postgres = Files.readAllLines(home.resolve("data/postgres/postmaster.pid"))
                    .get(0);
            List<Long> family = List.of(bus.pid(), Long.valueOf(postgres.strip()));

            Set<String> all = ListeningSockets.all(family);
            assertTrue(all.size() >= 2, "the bus and its Postgres listen: " + all);
            assertEquals(Set.of(), ListeningSockets.beyondLoopback(family));
        }
    }
}
