package agentbus.ops;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.settings.Settings;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** compose.yaml, the secrets that it needs, and the role that its Postgres makes. */
class ComposeTest {
    private static final String LOOPBACK = "127.0.0.1:";

    @TempDir
    Path temp;

    @Test
    void compose_accepts_the_file() throws Exception {
        Program.require("docker-compose", "docker-compose");
        Program.Run run = Program.run(
                temp,
                "docker-compose",
                "--file",
                Path.of("compose.yaml").toAbsolutePath().toString(),
                "config");
        assertEquals(0, run.exit(), run.said());
        assertEquals("", run.err());
    }

    @Test
    void everything_is_published_on_loopback_only() throws IOException {
        List<String> published = new ArrayList<>();
        compose().path("services").forEach(service -> service.path("ports")
                .forEach(port -> published.add(port.asText())));
        assertEquals(4, published.size(), published.toString());
        published.forEach(port -> assertTrue(port.startsWith(LOOPBACK), port));
    }

    @Test
    void every_service_has_a_health_check() throws IOException {
        compose()
                .path("services")
                .properties()
                .forEach(service -> assertTrue(
                        service.getValue().path("healthcheck").path("test").isArray(), service.getKey()));
    }

    @Test
    void without_a_gateway_the_bus_has_no_token_and_so_nothing_alerts() throws IOException {
        assertEquals("", settings(compose()).text("agentbus.gateway.token"));
        assertFalse(compose().toString().contains("hook-token"), "a secret without a file stops compose");
    }

    @Test
    void with_the_lines_of_the_gateway_the_bus_has_its_token() throws IOException {
        String text = Files.readString(Path.of("compose.yaml"));
        JsonNode with = new YAMLMapper()
                .readTree(text.replaceAll("(?m)^( *)# (AGENTBUS_GATEWAY|- hook-token|hook-token:|  file:)", "$1$2"));
        Settings settings = settings(with);
        assertEquals("a-token", settings.text("agentbus.gateway.token"));
        assertEquals("http://host.docker.internal:18789", settings.text("agentbus.gateway.url"));
        assertEquals("./secrets/hook-token", with.at("/secrets/hook-token/file").asText());
        assertTrue(with.at("/services/bus/secrets").toString().contains("\"hook-token\""));
    }

    @Test
    void the_bus_takes_its_variables_as_settings_and_its_secrets_from_files() throws IOException {
        Settings settings = settings(compose());
        assertEquals("a-password", settings.text("agentbus.database.password"));
        assertEquals("0.0.0.0", settings.text("agentbus.http.host"));
    }

    /** The settings of the bus, with files for the secrets. */
    private Settings settings(JsonNode compose) throws IOException {
        Map<String, String> environment = new HashMap<>();
        compose.at("/services/bus/environment")
                .properties()
                .forEach(variable -> environment.put(
                        variable.getKey(), variable.getValue().asText().replace("/run/secrets", temp.toString())));
        Files.writeString(temp.resolve("database-password"), "a-password\n");
        Files.writeString(temp.resolve("hook-token"), "a-token\n");
        return Settings.load(temp, environment, Map.of());
    }

    @Test
    void the_image_is_that_of_this_version_and_never_pulled() throws IOException {
        String pom = Files.readString(Path.of("pom.xml"));
        String version = pom.replaceFirst("(?s).*?<artifactId>agentbus</artifactId>\\s*<version>([^<]+)<.*", "$1");
        assertEquals("agentbus:" + version, compose().at("/services/bus/image").asText());
        assertEquals("never", compose().at("/services/bus/pull_policy").asText());
    }

    @Test
    void files_that_containers_read_exist() throws IOException {
        List<String> missing = new ArrayList<>();
        compose().path("services").forEach(service -> service.path("volumes").forEach(volume -> {
            String source = volume.asText().replaceFirst(":.*", "");
            if (source.startsWith("./") && !Files.exists(Path.of(source))) {
                missing.add(source);
            }
        }));
        assertEquals(List.of(), missing);
    }

    @Test
    void the_secrets_are_made_once_and_kept_from_other_users() throws Exception {
        Program.require("openssl", "openssl");
        Path secrets = temp.resolve("my secrets");
        String script = Path.of("ops/make-secrets.sh").toAbsolutePath().toString();
        Program.Run run = Program.run(temp, "/bin/sh", script, secrets.toString());
        assertEquals(0, run.exit(), run.said());
        assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(secrets)));
        JsonNode named = compose().path("secrets");
        assertEquals(3, named.size());
        named.forEach(secret -> {
            Path file = secrets.resolve(Path.of(secret.path("file").asText()).getFileName());
            String value = read(file).strip();
            assertTrue(value.matches("[0-9a-f]{64}"), file.toString());
            assertFalse(run.said().contains(value), "a secret was printed");
        });
        assertTrue(read(secrets.resolve("operator-token")).matches("abo_[0-9a-f]{64}\n"));

        assertFalse(Files.exists(secrets.resolve("hook-token")), "only the one who has a gateway asks for it");
        assertEquals(
                0,
                Program.run(temp, "/bin/sh", script, secrets.toString(), "hook-token")
                        .exit());
        String before = read(secrets.resolve("hook-token"));
        assertEquals(
                "", Program.run(temp, "/bin/sh", script, secrets.toString()).said());
        assertEquals(before, read(secrets.resolve("hook-token")));
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException unreadable) {
            throw new java.io.UncheckedIOException(unreadable);
        }
    }

    private static JsonNode compose() throws IOException {
        return new YAMLMapper().readTree(Path.of("compose.yaml").toFile());
    }
}
