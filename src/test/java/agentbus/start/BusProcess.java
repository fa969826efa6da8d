package agentbus.start;

import static org.awaitility.Awaitility.await;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarOutputStream;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;

/** A bus in a process of its own, as {@code agentbus run} starts it, which can be killed, frozen and stopped. */
public final class BusProcess implements AutoCloseable {
    private static final Duration START = Duration.ofSeconds(120);

    /** In a short life the work of the optimizing compiler does not pay. */
    private static final List<String> SHORT_LIFE = List.of("-Xmx256m", "-XX:TieredStopAtLevel=1");

    private final Process process;
    private final Path out;
    private final Path log;
    private final List<ProcessHandle> family = new ArrayList<>();

    private BusProcess(Process process, Path out, Path log) {
        this.process = process;
        this.out = out;
        this.log = log;
    }

    /**
     * Starts a process and waits until it says that it runs.
     *
     * @param home its home directory; its output goes to files there
     * @param settings its settings
     * @return the running process
     */
    public static BusProcess start(Path home, Map<String, String> settings) throws IOException {
        return start(home, settings, packed(), Map.of());
    }

    /**
     * The class path of this build with the program in a jar, as an installation has it.
     *
     * @return a class path
     */
    private static synchronized String packed() throws IOException {
        String path = System.getProperty("java.class.path");
        Path classes = Path.of("target", "classes").toAbsolutePath();
        Path jar = Path.of(
                        "target", "classes-of-tests-" + ProcessHandle.current().pid() + ".jar")
                .toAbsolutePath();
        if (!Files.exists(jar)) {
            try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar));
                    Stream<Path> files = Files.walk(classes)) {
                for (Path file : files.sorted().toList()) {
                    String name = classes.relativize(file).toString().replace('\\', '/');
                    boolean directory = Files.isDirectory(file);
                    if (!name.isEmpty()) {
                        out.putNextEntry(new ZipEntry(directory ? name + "/" : name));
                        if (!directory) {
                            Files.copy(file, out);
                        }
                        out.closeEntry();
                    }
                }
            }
            jar.toFile().deleteOnExit();
        }
        return Stream.of(path.split(File.pathSeparator))
                .map(entry -> Path.of(entry).toAbsolutePath().equals(classes) ? jar.toString() : entry)
                .collect(Collectors.joining(File.pathSeparator));
    }

    /**
     * Starts a process of another build, or in another environment.
     *
     * @param home its home directory; its output goes to files there
     * @param settings its settings
     * @param classPath where its classes are
     * @param environment more variables
     * @return the running process
     */
    public static BusProcess start(
            Path home, Map<String, String> settings, String classPath, Map<String, String> environment)
            throws IOException {
        return started(begin(home, settings, classPath, environment, SHORT_LIFE));
    }

    /**
     * Starts a process with other options of its JVM.
     *
     * @param home its home directory; its output goes to files there
     * @param settings its settings
     * @param options the options of the JVM
     * @return the running process
     */
    public static BusProcess start(Path home, Map<String, String> settings, List<String> options) throws IOException {
        return started(begin(home, settings, packed(), Map.of(), options));
    }

    private static BusProcess started(BusProcess bus) {
        try {
            await("the bus runs").atMost(START).until(() -> bus.says("agentbus runs at") || !bus.process.isAlive());
            if (!bus.process.isAlive()) {
                throw new IllegalStateException("the bus did not start:\n" + bus.log());
            }
        } catch (RuntimeException failed) {
            bus.close();
            throw failed;
        }
        bus.process.descendants().forEach(bus.family::add);
        return bus;
    }

    /**
     * Begins to start a process.
     *
     * @param home its home directory; its output goes to files there
     * @param settings its settings
     * @return the process, which does not run yet
     */
    public static BusProcess begin(Path home, Map<String, String> settings) throws IOException {
        return begin(home, settings, System.getProperty("java.class.path"), Map.of(), SHORT_LIFE);
    }

    private static BusProcess begin(
            Path home,
            Map<String, String> settings,
            String classPath,
            Map<String, String> environment,
            List<String> options)
            throws IOException {
        List<String> command =
                new ArrayList<>(List.of(ProcessHandle.current().info().command().orElseThrow()));
        command.addAll(options);
        command.addAll(List.of("-cp", classPath, "agentbus.Main", "run"));
        settings.forEach((key, value) -> command.addAll(List.of("--set", key + "=" + value)));
        Path out = Files.createTempFile(home, "bus", ".out");
        Path log = Files.createTempFile(home, "bus", ".log");
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                .redirectOutput(out.toFile())
                .redirectError(log.toFile());
        builder.environment().keySet().removeIf(name -> name.startsWith("AGENTBUS_") || name.equals("DATABASE_URL"));
        builder.environment().put("AGENTBUS_HOME", home.toString());
        builder.environment().putAll(environment);
        return new BusProcess(builder.start(), out, log);
    }

    /** The process id. */
    public long pid() {
        return process.pid();
    }

    /** Everything it has logged so far. */
    public String log() {
        return read(log);
    }

    /** The processes that it had started by the time it ran. */
    public List<ProcessHandle> family() {
        return family;
    }

    /**
     * Sends a signal.
     *
     * @param name such as {@code KILL}, {@code STOP}, {@code CONT}, {@code TERM}, {@code INT}
     */
    public void signal(String name) throws IOException, InterruptedException {
        Process kill = new ProcessBuilder("kill", "-" + name, Long.toString(pid())).start();
        if (!kill.waitFor(5, TimeUnit.SECONDS) || kill.exitValue() != 0) {
            throw new IOException("no signal " + name + " for process " + pid());
        }
    }

    /**
     * Waits for its end.
     *
     * @param limit how long
     * @return how long it took
     */
    public Duration awaitEnd(Duration limit) throws InterruptedException {
        long began = System.nanoTime();
        if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
            throw new IllegalStateException("still running after " + limit + ":\n" + log());
        }
        return Duration.ofNanos(System.nanoTime() - began);
    }

    /** Ends it at once if it is still there, and what it had started. */
    @Override
    public void close() {
        process.descendants().forEach(family::add);
        process.destroyForcibly();
        family.forEach(ProcessHandle::destroyForcibly);
        await().atMost(Duration.ofSeconds(60)).until(() -> !process.isAlive());
    }

    /** The address that the process has named. */
    public String url() {
        return read(out).replaceFirst("(?s).*agentbus runs at (\\S+).*", "$1");
    }

    private boolean says(String text) {
        return read(out).contains(text);
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
