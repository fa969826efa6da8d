package agentbus.ops;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Every file below ops is read by a test. */
class OpsFilesTest {
    /** What reads the files whose names match. */
    private static final Map<Pattern, String> READERS = Map.of(
            Pattern.compile("ops/prometheus/(prometheus|targets|agentbus-alerts|tests/[a-z]+)\\.yml"),
            "PrometheusFilesTest, by promtool",
            Pattern.compile("ops/grafana/.*"),
            "DashboardTest, and PrometheusFilesTest by promtool",
            Pattern.compile("ops/compose/.*|ops/make-secrets\\.sh"),
            "ComposeTest, by docker-compose and sh",
            Pattern.compile("ops/kubernetes/.*\\.yaml"),
            "KubernetesTest, by schemas",
            Pattern.compile("ops/agentbus\\.service"),
            "ServiceUnitTest, by systemd-analyze",
            Pattern.compile("ops/install-service\\.sh|ops/agentbus-command|ops/agentbus\\.properties"),
            "InstallServiceTest, by sh",
            Pattern.compile("ops/image/.*"),
            "ImageTest, in the image");

    @Test
    void every_file_has_a_reader() throws IOException {
        try (Stream<Path> files = Files.walk(Path.of("ops"))) {
            List<String> unread = files.filter(Files::isRegularFile)
                    .map(Path::toString)
                    .filter(file -> READERS.keySet().stream()
                            .noneMatch(pattern -> pattern.matcher(file).matches()))
                    .sorted()
                    .toList();
            assertEquals(List.of(), unread, "no test reads these files; name it in READERS");
        }
    }
}
