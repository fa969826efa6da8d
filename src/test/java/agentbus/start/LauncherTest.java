package agentbus.start;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The launcher, with a build and a JDK that only say that they were called. */
class LauncherTest {
    private static final String BUILT = "built";

    @TempDir
    Path directory;

    private final Map<String, String> environment = new HashMap<>();
    private Path root;
    private Path lock;

    @BeforeEach
    void unpack() throws IOException {
        environment.put("HOME", directory.resolve("home").toString());
        root = Files.createDirectory(directory.resolve(utf8() ? "Pfad mit Ümläut" : "path with blanks"));
        lock = root.resolve("target/agentbus-run.lock");
        script("agentbus", Files.readString(Path.of("agentbus")));
        write("src/launcher/build.sh", Files.readString(Path.of("src/launcher/build.sh")));
        script("mvnw", build(""));
        script("jdk/bin/java", "printf '%s\\n' \"LC_ALL=${LC_ALL:-}\" \"$@\"");
        script("jdk/bin/javac", ":");
        write("jdk/lib/server/classes.jsa", "");
        write("jdk/release", "JAVA_VERSION=\"17.0.1\"\n");
        write("pom.xml", "<project/>");
        write("src/main/java/A.java", "class A {}");
        write("src/main/resources/routes/a.camel.yaml", "- route: a");
        write("sql/functions/a.sql", "select 1");
    }

    @Test
    void a_file_that_differs_is_built_whatever_its_time_is() throws Exception {
        assertTrue(run().contains(BUILT));
        assertFalse(run().contains(BUILT), "nothing has changed");
        Files.delete(root.resolve("target/lib/agentbus-run-libraries.jar"));
        assertTrue(run().contains(BUILT), "the jar that names all libraries is missing");

        // As an older archive leaves it: another content, and a time before the build.
        write("src/main/java/A.java", "class B {}");
        Files.setLastModifiedTime(root.resolve("src/main/java/A.java"), FileTime.from(Instant.EPOCH));
        assertTrue(run().contains(BUILT));

        Files.setLastModifiedTime(root.resolve("src/main/java/A.java"), FileTime.from(Instant.now()));
        assertFalse(run().contains(BUILT), "a new time is no change");

        Files.delete(root.resolve("sql/functions/a.sql"));
        assertTrue(run().contains(BUILT), "a removed file is a change");

        write("src/main/resources/routes/a.camel.yaml", "- route: b");
        assertFalse(run().contains(BUILT), "a route needs no build");
    }

    @Test
    void the_contents_are_read_only_when_a_file_or_directory_was_touched() throws Exception {
        script("tools/cksum", "echo read >>'" + root.resolve("read") + "'; PATH=${PATH#*:} exec cksum \"$@\"");
        environment.put("PATH", root.resolve("tools") + ":" + System.getenv("PATH"));
        run();
        long first = reads();
        assertTrue(first > 0);
        run();
        assertEquals(first, reads(), "nothing was touched");

        Files.setLastModifiedTime(root.resolve("src/main/java/A.java"), FileTime.from(Instant.EPOCH));
        run();
        assertEquals(first + 1, reads());
        run();
        assertEquals(first + 1, reads(), "the contents were the same");
    }

    private static String build(String pause) {
        return "mkdir -p target/lib; echo built; " + pause
                + ": >target/agentbus-1.0.jar; : >target/agentbus-1.0-libraries.jar";
    }

    private long reads() throws IOException {
        try (Stream<String> lines = Files.lines(root.resolve("read"))) {
            return lines.count();
        }
    }

    /** The owner of each lock has ended, although some of their ids belong to living processes. */
    @ParameterizedTest
    @ValueSource(strings = {"", "999999999 1", "SELF", "SELF 1"})
    void a_lock_that_was_left_behind_is_seen_within_seconds(String owner) throws Exception {
        Files.createDirectories(lock);
        if (!owner.isEmpty()) {
            write(
                    "target/agentbus-run.lock/pid",
                    owner.replace("SELF", Long.toString(ProcessHandle.current().pid())) + "\n");
        }
        assertTrue(run().contains(BUILT));
        try (Stream<Path> left = Files.list(root.resolve("target"))) {
            assertEquals(
                    0,
                    left.filter(file -> file.getFileName().toString().startsWith("agentbus-run.lock"))
                            .count());
        }
    }

    @Test
    void the_lock_of_a_living_build_is_waited_for_by_name() throws Exception {
        script("mvnw", build("sleep 2; "));
        Process first = start();
        while (!Files.exists(lock.resolve("pid"))) {
            assertTrue(first.isAlive());
        }
        String second = run();
        assertTrue(second.contains("waiting for another agentbus (process " + first.pid() + ", "), second);
        assertFalse(second.contains(BUILT), second);
        assertEquals(0, first.waitFor());
    }

    @Test
    void a_call_takes_the_class_archive_of_the_build_and_a_server_its_own() throws Exception {
        String built = root + "/target/cds/17.0.1/call-built.jsa";
        assertFalse(run("list-jobs").contains(built), "this JDK could make none");
        script(
                "jdk/bin/java",
                """
                for argument in "$@"; do
                  case "$1 $argument" in "-Xshare:dump -XX:SharedArchiveFile="*) : >"${argument#*=}" ;; esac
                done
                printf '%s\\n' "$@"
                """);
        write("src/main/java/A.java", "class B {}");

        String called = run("list-jobs");
        assertTrue(called.contains("-XX:SharedArchiveFile=" + built + "\n"), called);
        assertFalse(called.contains("ArchiveClassesAtExit"), called);
        assertTrue(run("eval").contains("-XX:SharedArchiveFile=" + built + "\n"), "it fits a longer class path");
        write("target/cds/17.0.1/call-built.jsa.for", "/another/jdk " + root + "/target/lib/agentbus-run.jar");
        assertFalse(run("list-jobs").contains(built), "it is for another JDK");
        String server = run("run");
        assertFalse(server.contains(built), server);
        assertTrue(server.contains("ArchiveClassesAtExit"), server);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"run", "bench idle", "export", "eval", "--json hawtio", "help run", "list-jobs --subject eval"})
    void all_libraries_are_there_for_a_command_that_does_more_than_a_call(String line) throws Exception {
        String jar = root + "/target/lib/agentbus-run.jar";
        String said = run(line.split(" "));
        assertTrue(said.contains("\n-cp\n" + jar + ":" + root + "/target/lib/agentbus-run-libraries.jar\n"), said);
        assertFalse(said.contains("/call.jsa"), "an archive does not fit a shorter class path: " + said);

        said = run("list-jobs", "--subject", "evaluation");
        assertTrue(said.contains("\n-cp\n" + jar + "\n"), said);
    }

    @ParameterizedTest
    @ValueSource(strings = {"run", "export", "list-jobs"})
    void an_option_of_the_environment_takes_the_place_of_one_of_the_launcher(String line) throws Exception {
        environment.put("AGENTBUS_JAVA_OPTS", "-Xmx512m -Xms64m");
        String said = run(line.split(" "));
        assertTrue(said.contains("\n-Xmx512m\n-Xms64m\n-cp\n"), "the JVM takes the last one: " + said);
    }

    @Test
    void the_buses_of_a_bench_and_not_the_bench_get_the_options_of_the_environment() throws Exception {
        environment.put("AGENTBUS_JAVA_OPTS", "-XX:TieredStopAtLevel=1 -Xmx512m");
        String said = run("bench", "idle");
        assertTrue(
                said.lines()
                        .anyMatch(line -> line.matches(
                                "-Dagentbus[.]server-options=.*-XX:[+]UseSerialGC .*-XX:TieredStopAtLevel=1 -Xmx512m")),
                said);
        assertFalse(said.contains("\n-Xmx512m\n"), said);
    }

    @Test
    void letters_outside_ascii_survive_the_locale_c() throws Exception {
        assumeTrue(utf8(), "this JVM cannot pass on letters outside ASCII");
        String said = run("enqueue-job", "--payload", "{\"stadt\":\"Köln\"}");
        assertTrue(said.lines().anyMatch(line -> line.matches("LC_ALL=.*(UTF-8|utf8)")), said);
        assertTrue(said.contains("{\"stadt\":\"Köln\"}"), said);
    }

    @Test
    void a_release_needs_no_compiler_and_writes_nothing_into_its_own_directory() throws Exception {
        makeRelease();
        Map<Path, FileTime> before = times(root);

        String said = run("list-jobs");
        Path home = directory.resolve("home/.agentbus");
        assertEquals(
                List.of("home " + home, "source " + root, root + "/lib/agentbus-1.0.0.jar"),
                said.lines()
                        .filter(line -> line.matches("(home|source) .*|/.*[.]jar"))
                        .toList());
        assertTrue(
                said.contains("-XX:ArchiveClassesAtExit=" + directory + "/home/.cache/agentbus/cds/"
                        + root.getFileName() + "/17.0.1/call.jsa."),
                said);
        assertEquals(before, times(root));

        // A Java that jlink has made.
        Files.delete(root.resolve("jdk/lib/server/classes.jsa"));
        assertFalse(run("list-jobs").contains("ArchiveClassesAtExit"));

        environment.put("AGENTBUS_HOME", directory.resolve("elsewhere").toString());
        assertTrue(run("list-jobs").contains("home " + directory.resolve("elsewhere")));
    }

    @Test
    void a_release_that_cannot_start_says_why() throws Exception {
        makeRelease();
        environment.put("HOME", "");
        assertEquals(
                "agentbus: neither AGENTBUS_HOME nor HOME is set; set AGENTBUS_HOME to the directory for settings and data\n",
                refusal());
        environment.put("HOME", directory.toString());
        Files.delete(root.resolve("lib/agentbus-1.0.0.jar"));
        assertEquals(
                "agentbus: lib/agentbus-<version>.jar or lib/agentbus-<version>-libraries.jar is missing in " + root
                        + "; unpack the release again\n",
                refusal());
        write("lib/agentbus-1.0.0.jar", "");
        Files.delete(root.resolve("lib/agentbus-1.0.0-libraries.jar"));
        assertTrue(refusal().contains("-libraries.jar is missing"));
    }

    private void makeRelease() throws IOException {
        for (String name : List.of("pom.xml", "mvnw", "jdk/bin/javac", "src/launcher/build.sh")) {
            Files.delete(root.resolve(name));
        }
        script("jdk/bin/java", "printf '%s\\n' \"home $AGENTBUS_HOME\" \"source $AGENTBUS_SOURCE_DIR\" \"$@\"");
        write("lib/agentbus-1.0.0.jar", "");
        write("lib/agentbus-1.0.0-libraries.jar", "");
        write("lib/library-2.0.jar", "");
    }

    private static Map<Path, FileTime> times(Path directory) throws IOException {
        Map<Path, FileTime> times = new TreeMap<>();
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.toList()) {
                times.put(file, Files.getLastModifiedTime(file));
            }
        }
        return times;
    }

    private static boolean utf8() {
        return "UTF-8".equals(System.getProperty("sun.jnu.encoding"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"sh agentbus", "sh ../links/-a", "cd ../links; exec sh ./b", "PATH=../links:$PATH; exec b"})
    void a_launcher_is_found_by_each_name_and_link(String line) throws Exception {
        Path links = Files.createDirectories(directory.resolve("links"));
        Files.createSymbolicLink(
                links.resolve("-a"), Path.of("..").resolve(root.getFileName()).resolve("agentbus"));
        Files.createSymbolicLink(links.resolve("b"), Path.of("-a"));

        assertTrue(run(new ProcessBuilder("sh", "-c", line)).contains(root + "/target/lib/agentbus-run.jar"));
    }

    private String run(String... arguments) throws Exception {
        return said(start(arguments), 0);
    }

    private String run(ProcessBuilder builder) throws Exception {
        return said(start(builder.directory(root.toFile())), 0);
    }

    private static String said(Process process, int exit) throws Exception {
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(process.waitFor(30, TimeUnit.SECONDS));
        assertEquals(exit, process.exitValue(), said);
        return said;
    }

    private String refusal() throws Exception {
        return said(start("list-jobs"), 1);
    }

    private Process start(String... arguments) throws IOException {
        String[] command = Stream.concat(Stream.of(root.resolve("agentbus").toString()), Stream.of(arguments))
                .toArray(String[]::new);
        return start(new ProcessBuilder(command));
    }

    private Process start(ProcessBuilder builder) throws IOException {
        builder.redirectErrorStream(true);
        builder.environment()
                .keySet()
                .removeIf(name -> name.matches("(LC|AGENTBUS)_.*|CACHE_DIRECTORY|XDG_CACHE_HOME"));
        builder.environment()
                .putAll(Map.of("LANG", "C", "JAVA_HOME", root.resolve("jdk").toString()));
        builder.environment().putAll(environment);
        return builder.start();
    }

    private void script(String name, String text) throws IOException {
        write(name, text.startsWith("#!") ? text : "#!/bin/sh\n" + text + "\n");
        Files.setPosixFilePermissions(root.resolve(name), PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private void write(String name, String text) throws IOException {
        Files.createDirectories(root.resolve(name).getParent());
        Files.writeString(root.resolve(name), text);
    }
}
