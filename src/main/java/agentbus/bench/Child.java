package agentbus.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;

/** A JVM that the bench has started on the bench's class path. It logs to a file and ends with the bench. */
final class Child implements AutoCloseable {
    private static final int START_SECONDS = 120;
    private static final int STOP_SECONDS = 30;

    private final Process process;
    private final Path log;
    private final long began;
    private String greeting;

    private Child(Process process, Path log, long began) {
        this.process = process;
        this.log = log;
        this.began = began;
    }

    /**
     * Starts a process and waits for the line that says that it is ready.
     *
     * @param options the JVM's options
     * @param main the class to run
     * @param arguments its arguments
     * @param environment additional variables; the agentbus variables of the bench's environment are not passed on
     * @param log the file for its standard error output
     * @param ready recognises the line of its standard output that says that it is ready
     * @return the running process
     * @throws BenchFailure when the process ends before that line, or does not print it within two minutes
     */
    static Child start(
            List<String> options,
            Class<?> main,
            List<String> arguments,
            Map<String, String> environment,
            Path log,
            Predicate<String> ready) {
        List<String> command = new ArrayList<>();
        command.add(ProcessHandle.current().info().command().orElse("java"));
        command.addAll(options);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
        command.addAll(arguments);
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(log.toFile());
        builder.environment().keySet().removeIf(name -> name.startsWith("AGENTBUS_") || name.equals("DATABASE_URL"));
        builder.environment().putAll(environment);
        try {
            long began = ClosingGateway.micros();
            Child child = new Child(builder.start(), log, began);
            Runtime.getRuntime().addShutdownHook(new Thread(child.process::destroyForcibly));
            child.awaitGreeting(main, ready);
            return child;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void awaitGreeting(Class<?> main, Predicate<String> ready) {
        CompletableFuture<String> line = CompletableFuture.supplyAsync(() -> firstLine(ready));
        try {
            greeting = line.get(START_SECONDS, TimeUnit.SECONDS);
        } catch (TimeoutException | ExecutionException late) {
            process.destroyForcibly();
            throw new BenchFailure(main.getSimpleName() + " did not start: " + lastWords(), late);
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
            throw new BenchFailure("interrupted while a process started", e);
        }
    }

    private String firstLine(Predicate<String> ready) {
        try {
            // The reader stays open, because the process may go on writing.
            BufferedReader lines =
                    new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (ready.test(line)) {
                    return line;
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        throw new BenchFailure("it ended: " + lastWords());
    }

    /** The line with which the process said that it is ready. */
    String greeting() {
        return greeting;
    }

    /** The time of the process's start, in microseconds since the epoch. */
    long beganMicros() {
        return began;
    }

    /** The process. */
    ProcessHandle handle() {
        return process.toHandle();
    }

    /** The last lines of its log, for people. */
    String lastWords() {
        try {
            List<String> lines = Files.readAllLines(log);
            return String.join(" | ", lines.subList(Math.max(0, lines.size() - 5), lines.size()));
        } catch (IOException unreadable) {
            return "(no log: " + unreadable.getMessage() + ")";
        }
    }

    /** Asks the process to end, and kills it after half a minute. */
    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(STOP_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
