package agentbus.settings;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Optional;
import java.util.Properties;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VersionTest {
    @ParameterizedTest
    @CsvSource({
        "1a2b3c4, $Format:%h$, 1a2b3c4",
        "1a2b3c4-dirty, $Format:%h$, 1a2b3c4-dirty",
        "'${agentbus.commit}', 5d6e7f8, 5d6e7f8",
        "'', 5d6e7f8, 5d6e7f8",
        "'${agentbus.commit}', $Format:%h$, ",
        "'fatal: not a git repository', $Format:%h$, "
    })
    void the_commit_is_that_of_the_build_or_else_of_the_archive(String built, String archive, String commit) {
        Properties properties = new Properties();
        properties.setProperty("commit", built);
        properties.setProperty("archive", archive);
        assertEquals(Optional.ofNullable(commit), Version.commit(properties));
    }

    @Test
    void this_build_has_a_version() {
        assertTrue(Version.read().matches("\\d+[.]\\d+[.]\\d+.*"), Version.read());
        assertTrue(Version.withCommit().startsWith(Version.read()), Version.withCommit());
    }
}
