package agentbus.release;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import agentbus.text.Json;
import agentbus.text.Sha256;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The archive that {@code ./mvnw -Prelease package} has made, as its user has it: unpacked by root, run by another user, with a
 * Java that has no compiler, and without Maven, npm or git. {@code ./mvnw -Prelease verify} runs these tests.
 */
class ReleaseTest {
    /** The programs that the launcher and Postgres need; the path of the tests has no others. */
    private static final List<String> PROGRAMS =
            List.of("cat", "dirname", "locale", "mkdir", "mv", "readlink", "sed", "stty");
    /** The modules of a JRE: no compiler, and no tools. */
    private static final String MODULES =
            "java.se,jdk.charsets,jdk.crypto.ec,jdk.httpserver,jdk.localedata,jdk.management,jdk.net,jdk.unsupported,jdk.zipfs";

    @TempDir
    private static Path shared;

    @TempDir
    private Path directory;

    private Path home;
    private Path empty;

    @BeforeAll
    static void makeAJreAndAPath() throws Exception {
        open(shared);
        Path jlink = Path.of(System.getProperty("java.home"), "bin", "jlink");
        Commands.run(
                shared,
                5,
                Map.of(),
                jlink.toString(),
                "--add-modules",
                MODULES,
                "--output",
                shared.resolve("jre").toString());
        Path bin = Files.createDirectory(shared.resolve("bin"));
        for (String program : PROGRAMS) {
            Path found = Stream.of("/usr/bin", "/bin")
                    .map(folder -> Path.of(folder, program))
                    .filter(Files::isExecutable)
                    .findFirst()
                    .orElseThrow();
            Files.createSymbolicLink(bin.resolve(program), found);
        }
    }

    @BeforeEach
    void makeDirectories() throws Exception {
        open(directory);
        home = Files.createDirectory(directory.resolve("home"));
        empty = Files.createDirectory(directory.resolve("empty"));
        User.owns(home);
        Files.setPosixFilePermissions(empty, PosixFilePermissions.fromString("r-xr-xr-x"));
    }

    /** Lets other users into a directory of JUnit. */
    private static void open(Path directory) throws IOException {
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    @Test
    void two_builds_in_two_directories_at_two_times_give_the_same_bytes() throws Exception {
        assumeTrue(Files.exists(Path.of(".git")), "SKIPPED: git does not list the files of this directory");
        Path sources = directory.resolve("another place");
        for (String name : Commands.run(
                        Path.of("."),
                        1,
                        Map.of(),
                        "git",
                        "ls-files",
                        "-z",
                        "--cached",
                        "--others",
                        "--exclude-standard")
                .split("\0")) {
            Path file = Path.of(name);
            // A file that was deleted and not committed is listed, too.
            if (Files.exists(file)) {
                Files.createDirectories(sources.resolve(file).getParent());
                Files.copy(file, sources.resolve(file));
            }
        }
        Commands.build(
                sources,
                Map.of("TZ", "Asia/Tokyo", "LC_ALL", "C"),
                "-Prelease",
                "-Dagentbus.commit=" + System.getProperty("release.commit"));

        Path again = sources.resolve("target").resolve(Release.archive().getFileName());
        assertEquals(Sha256.hex(Files.readAllBytes(Release.archive())), Sha256.hex(Files.readAllBytes(again)));
    }

    @Test
    void the_checksums_cover_every_file_and_the_owner_is_root() throws Exception {
        Release release = Release.unpack(directory);

        assertEquals(release.stated(), release.found());
        assertTrue(release.stated()
                .keySet()
                .containsAll(List.of(
                        "agentbus",
                        "lib/agentbus-" + release.version() + ".jar",
                        "lib/agentbus-" + release.version() + "-libraries.jar",
                        "routes/phase-1-spine/dispatch/call-hook.camel.yaml",
                        "sql/migrations/V0001__kernel.sql",
                        "agents/devops/agent.yaml",
                        "gateway/skills/agentbus/SKILL.md",
                        "docs/guide/release.md",
                        "sbom.json")));
        assertTrue(Json.read(Files.readString(release.directory().resolve("sbom.json")))
                        .path("components")
                        .size()
                > 50);
        String list = Commands.run(
                directory, 1, Map.of(), "tar", "tvzf", Release.archive().toString());
        assertEquals(
                List.of(),
                list.lines()
                        .filter(line -> !line.matches("(-rw-r--r--|-rwxr-xr-x|drwxr-xr-x) root/root .*"))
                        .toList());
    }

    @Test
    void another_user_runs_it_and_own_routes_agents_and_data_survive_the_next_release() throws Exception {
        Path own = Files.createDirectories(home.resolve(".agentbus/routes")).getParent();
        Files.writeString(
                own.resolve("routes/ask-librarian.camel.yaml"),
                """
                - route:
                    id: ask-librarian
                    description: Asks the librarian once after each start.
                    from:
                      uri: timer:ask-librarian
                      parameters: { repeatCount: 1, delay: 0 }
                      steps:
                        - setBody:
                            constant: '{"targetAgent": "librarian", "subject": "library.lookup"}'
                        - to: direct:enqueue-job
                """);
        Files.createDirectories(own.resolve("agents/librarian"));
        Files.writeString(
                own.resolve("agents/librarian/agent.yaml"),
                "id: librarian\nmission: Finds texts.\naccepts: [library.lookup]\n");
        Files.writeString(own.resolve("agentbus.properties"), "agentbus.http.port=0\nagentbus.stop.drain-seconds=5\n");
        User.owns(home);

        Release first = Release.unpack(Files.createDirectory(directory.resolve("first")));
        User.mayOnlyRead(first.directory());
        useAndStop(first, 1);

        Release next = Release.unpack(Files.createDirectory(directory.resolve("next")));
        User.mayOnlyRead(next.directory());
        useAndStop(next, 2);
    }

    /** Runs the bus until the own route has enqueued its job, and looks through the command line. */
    private void useAndStop(Release release, int jobs) throws Exception {
        String commit = System.getProperty("release.commit");
        String known = commit.matches("[0-9a-f]{7,}(-dirty)?") ? " (commit " + commit + ")" : "";
        assertEquals(
                "agentbus " + release.version() + known,
                ask(release, "", "version").strip());

        Path out = directory.resolve("bus-" + jobs + ".out");
        ProcessBuilder builder = new ProcessBuilder(
                        User.command(release.directory().resolve("agentbus"), "run"))
                .directory(empty.toFile())
                .redirectErrorStream(true)
                .redirectOutput(out.toFile());
        environment("").forEach(builder.environment()::put);
        builder.environment().keySet().retainAll(environment("").keySet());
        Process bus = builder.start();
        try {
            await("the bus runs")
                    .atMost(Duration.ofSeconds(300))
                    .until(() -> Files.readString(out).contains("agentbus runs at") || !bus.isAlive());
            assertTrue(bus.isAlive(), Files.readString(out));
            String url = Files.readString(out).replaceFirst("(?s).*agentbus runs at (\\S+).*", "$1");
            await("the own route has enqueued its job")
                    .atMost(Duration.ofSeconds(60))
                    .until(() -> json(release, url, "list-jobs", "--json")
                                    .path("jobs")
                                    .size()
                            == jobs);
            assertEquals(
                    1,
                    json(release, url, "list-agents", "--json").path("agents").size());
            JsonNode health = Json.read(Commands.run(
                    empty,
                    1,
                    environment(url),
                    User.command(release.directory().resolve("agentbus"), "health", "--json")
                            .toArray(String[]::new)));
            assertEquals(release.version(), health.path("version").asText());
            assertEquals(known.isEmpty() ? "" : commit, health.path("commit").asText());
            bus.destroy();
            await("it stops").atMost(Duration.ofSeconds(60)).until(() -> !bus.isAlive());
        } finally {
            bus.descendants().forEach(ProcessHandle::destroyForcibly);
            bus.destroyForcibly();
        }
        assertEquals(release.stated(), release.found(), "nothing was written into the release");
        try (Stream<Path> files = Files.list(empty)) {
            assertEquals(List.of(), files.toList());
        }
        assertTrue(Files.exists(home.resolve(".agentbus/data/operator.token")));
    }

    private JsonNode json(Release release, String url, String... arguments) throws Exception {
        return Json.read(ask(release, url, arguments));
    }

    private String ask(Release release, String url, String... arguments) throws Exception {
        return Commands.run(
                empty,
                1,
                environment(url),
                User.command(release.directory().resolve("agentbus"), arguments).toArray(String[]::new));
    }

    private Map<String, String> environment(String url) {
        return Map.of(
                "HOME",
                home.toString(),
                "PATH",
                shared.resolve("jre/bin") + ":" + shared.resolve("bin"),
                "JAVA_HOME",
                "",
                "CACHE_DIRECTORY",
                "",
                "XDG_CACHE_HOME",
                "",
                "AGENTBUS_URL",
                url);
    }
}
