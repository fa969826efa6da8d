package agentbus.ops;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.settings.Settings;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion.VersionFlag;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The manifests in ops/kubernetes: each against its schema, and all with each other and with the program. */
class KubernetesTest {
    private static final Path DIRECTORY = Path.of("ops/kubernetes");
    private static final String POD = "/spec/template/spec";
    private static final String CONTAINER = POD + "/containers/0";

    @TempDir
    Path temp;

    static Stream<Path> manifests() throws IOException {
        try (Stream<Path> files = Files.list(DIRECTORY)) {
            return files.sorted().toList().stream();
        }
    }

    @ParameterizedTest
    @MethodSource("manifests")
    void a_manifest_fits_its_schema(Path file) throws IOException {
        assertEquals(Set.of(), schema().validate(read(file)));
    }

    /** The schema refuses what it must, so that the test above means something. */
    @ParameterizedTest
    @CsvSource({
        "/spec, replica, 2",
        "/spec, replicas, 1",
        "/spec/template/spec, hostNetwork, true",
        "/spec/template/spec/securityContext, runAsUser, 0",
        "/spec/template/spec/containers/0, livenesProbe, {}",
        "/spec/template/spec/containers/0/securityContext, privileged, true",
        "/spec/template/spec/containers/0/resources/limits, memory, much",
    })
    void a_deployment_with_a_mistake_does_not(String place, String field, String value) throws IOException {
        JsonNode deployment = manifest("deployment.yaml");
        ((ObjectNode) deployment.at(place)).set(field, new YAMLMapper().readTree(value));
        assertFalse(schema().validate(deployment).isEmpty());
    }

    @Test
    void kubectl_builds_them() throws Exception {
        Program.require("kubectl", "kubernetes-client");
        Program.Run run = Program.run(
                temp, "kubectl", "kustomize", DIRECTORY.toAbsolutePath().toString());
        assertEquals(0, run.exit(), run.said());
        assertEquals("", run.err());
        assertEquals(
                5, run.out().lines().filter(line -> line.startsWith("kind: ")).count(), run.out());
        assertEquals(
                4, run.out().lines().filter("  namespace: agentbus"::equals).count(), run.out());
    }

    @Test
    void the_kustomization_lists_every_manifest_but_the_example() throws IOException {
        Set<String> listed = new TreeSet<>(Set.of("kustomization.yaml", "secret.example.yaml"));
        manifest("kustomization.yaml").path("resources").forEach(file -> listed.add(file.asText()));
        assertEquals(manifests().map(file -> file.getFileName().toString()).collect(Collectors.toSet()), listed);
    }

    @Test
    void the_image_has_the_tag_of_this_version() throws IOException {
        String pom = Files.readString(Path.of("pom.xml"));
        String version = pom.replaceFirst("(?s).*?<artifactId>agentbus</artifactId>\\s*<version>([^<]+)<.*", "$1");
        assertEquals(
                version, manifest("kustomization.yaml").at("/images/0/newTag").asText());
    }

    @Test
    void service_budget_and_policy_find_the_pods_and_their_port() throws IOException {
        JsonNode deployment = manifest("deployment.yaml");
        JsonNode labels = deployment.at("/spec/template/metadata/labels");
        assertEquals(labels, deployment.at("/spec/selector/matchLabels"));
        assertEquals(labels, manifest("service.yaml").at("/spec/selector"));
        assertEquals(labels, manifest("pod-disruption-budget.yaml").at("/spec/selector/matchLabels"));
        assertEquals(labels, manifest("network-policy.yaml").at("/spec/podSelector/matchLabels"));
        JsonNode port = deployment.at(CONTAINER + "/ports/0/name");
        assertEquals(port, manifest("service.yaml").at("/spec/ports/0/targetPort"));
        assertEquals(port, manifest("network-policy.yaml").at("/spec/ingress/0/ports/0/port"));
        Settings defaults = Settings.load(temp, Map.of(), Map.of());
        assertEquals(
                defaults.text("agentbus.http.port"),
                deployment.at(CONTAINER + "/ports/0/containerPort").asText());
        assertTrue(
                deployment.at("/spec/replicas").asInt()
                        > manifest("pod-disruption-budget.yaml")
                                .at("/spec/minAvailable")
                                .asInt(),
                "a budget of all nodes lets no machine be emptied");
    }

    @Test
    void the_variables_are_settings_and_the_secret_has_every_key() throws IOException {
        JsonNode deployment = manifest("deployment.yaml");
        JsonNode secret = manifest("secret.example.yaml");
        Map<String, String> environment = new HashMap<>();
        Set<String> keys = new TreeSet<>();
        for (JsonNode variable : deployment.at(CONTAINER + "/env")) {
            JsonNode reference = variable.at("/valueFrom/secretKeyRef");
            String key = reference.path("key").asText();
            if (!reference.isMissingNode()) {
                assertEquals(secret.at("/metadata/name"), reference.path("name"));
                keys.add(key);
            }
            String value = key.equals("database-url")
                    ? "postgresql://bus:a-password@db/bus"
                    : variable.path("value").asText().replace("/run/secrets/agentbus", temp.toString());
            environment.put(variable.path("name").asText(), value);
        }
        for (JsonNode item : deployment.at(POD + "/volumes/2/secret/items")) {
            keys.add(item.path("key").asText());
            Files.writeString(temp.resolve(item.path("path").asText()), "a-token\n");
        }
        Settings settings = Settings.load(temp, environment, Map.of());
        assertEquals("a-token", settings.text("agentbus.gateway.token"));
        assertTrue(Files.exists(temp.resolve("operator.token")), "the command line looks for this name");
        assertEquals(
                keys,
                secret.path("stringData").properties().stream()
                        .map(Map.Entry::getKey)
                        .collect(Collectors.toCollection(TreeSet::new)));
    }

    @Test
    void what_the_bus_writes_is_on_a_volume_and_a_stop_has_time_to_drain() throws IOException {
        JsonNode deployment = manifest("deployment.yaml");
        List<String> mounted = new ArrayList<>();
        deployment
                .at(CONTAINER + "/volumeMounts")
                .forEach(mount -> mounted.add(mount.path("mountPath").asText()));
        assertTrue(mounted.containsAll(List.of("/var/lib/agentbus", "/tmp")), mounted.toString());
        Duration drain = Settings.load(temp, Map.of(), Map.of()).duration("agentbus.stop.drain-seconds");
        assertTrue(deployment.at(POD + "/terminationGracePeriodSeconds").asLong()
                >= drain.plusSeconds(30).toSeconds());
    }

    private static JsonSchema schema() throws IOException {
        try (InputStream in = KubernetesTest.class.getResourceAsStream("/kubernetes.schema.json")) {
            return JsonSchemaFactory.getInstance(VersionFlag.V202012).getSchema(in);
        }
    }

    private static JsonNode manifest(String name) throws IOException {
        return read(DIRECTORY.resolve(name));
    }

    private static JsonNode read(Path file) throws IOException {
        return new YAMLMapper().readTree(file.toFile());
    }
}
