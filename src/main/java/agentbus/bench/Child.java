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

/** A process that the bench has started. It logs to a file and ends with the bench. */
final class Child implements AutoCloseable {
    /** Chosen: a start took over two minutes on two processors with fifty busy processes. */
    private static final int START_SECONDS = 300;

    private static final int STOP_SECONDS = 30;

    private final String name;
    private final Process process;
    private final BufferedReader lines;
    private final Path log;
    private final long began;
    private String greeting;
    private long readyMicros;

    private Child(String name, Process process, Path log, long began) {
        this.name = name;
        this.process = process;
        this.lines = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        this.log = log;
        this.began = began;
    }

    /**
     * Starts a JVM on the bench's class path and waits for the line that says that it is ready.
     *
     * @param options the JVM's options
     * @param main the class to run
     * @param arguments its arguments
     * @param environment additional variables; the agentbus variables of the bench's environment are not passed on
     * @param log the file for its standard error output
     * @param ready recognises the line of its standard output that says that it is ready
     * @return the running process
     * @throws BenchFailure when the process ends before that line, or does not print it within five minutes
     */
    static Child start(
            List<String> options,
            Class<?> main,
            List<String> arguments,
            Map<String, String> environment,
            Path log,
            Predicate<String> ready) {
        List<String> command = new ArrayList<>();
        command.add(java());
        command.addAll(options);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
        command.addAll(arguments);
        return start(main.getSimpleName(), command, environment, log, START_SECONDS, ready);
    }

    /**
     * Starts a program and waits for the line that says that it is ready.
     *
     * @param name the program's name in a failure
     * @param command the program and its arguments
     * @param environment additional variables; the agentbus variables of the bench's environment are not passed on
     * @param log the file for its standard error output
     * @param seconds the longest wait for that line
     * @param ready recognises the line of its standard output that says that it is ready
     * @return the running process
     * @throws BenchFailure when the process ends before that line, or does not print it in time
     */
    static Child start(
            String name,
            List<String> command,
            Map<String, String> environment,
            Path log,
            int seconds,
            Predicate<String> ready) {
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(log.toFile());
        builder.environment().keySet().removeIf(key -> key.startsWith("AGENTBUS_") || key.equals("DATABASE_URL"));
        builder.environment().putAll(environment);
        try {
            long began = ClosingGateway.micros();
            Child child = new Child(name, builder.start(), log, began);
            Runtime.getRuntime().addShutdownHook(new Thread(child::kill));
            child.greeting = child.await(seconds, ready);
            child.readyMicros = ClosingGateway.micros();
            return child;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The Java program that runs the bench. */
    static String java() {
        return ProcessHandle.current().info().command().orElse("java");
    }

    /**
     * Writes a line to the process's standard input, and waits for the answer, the next line of its standard output.
     *
     * @param question the line
     * @param seconds the longest wait
     * @return the answer
     * @throws BenchFailure when the process ends or does not answer in time; it is then killed
     */
    String ask(String question, int seconds) {
        try {
            process.getOutputStream().write((question + "\n").getBytes(StandardCharsets.UTF_8));
            process.getOutputStream().flush();
        } catch (IOException ended) {
            throw new BenchFailure(name + " has ended: " + lastWords(), ended);
        }
        return await(seconds, line -> true);
    }

    private String await(int seconds, Predicate<String> wanted) {
        CompletableFuture<String> line = CompletableFuture.supplyAsync(() -> next(wanted));
        try {
            return line.get(seconds, TimeUnit.SECONDS);
        } catch (TimeoutException late) {
            kill();
            throw new BenchFailure(name + " has not answered within " + seconds + " s: " + lastWords(), late);
        } catch (ExecutionException ended) {
            kill();
            throw new BenchFailure(name + " has ended: " + lastWords(), ended);
        } catch (InterruptedException e) {
            kill();
            Thread.currentThread().interrupt();
            throw new BenchFailure("interrupted while " + name + " was at work", e);
        }
    }

    /** Kills the process and those that it has started, such as a download. */
    private void kill() {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
    }

    private String next(Predicate<String> wanted) {
        try {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (wanted.test(line)) {
                    return line;
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        throw new BenchFailure("the output has ended");
    }

    /** The line with which the process said that it is ready. */
    String greeting() {
        return greeting;
    }

    /** The time of the process's start, in microseconds since the epoch. */
    long beganMicros() {
        return began;
    }

    /** The time of that line, in microseconds since the epoch. */
    long readyMicros() {
        return readyMicros;
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
