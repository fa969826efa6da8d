package agentbus.bench;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * {@code bench call}: the wall time of a call of the command line, from the start of its process to its end, beside that
 * of a bare JVM. Each round makes each call once. The bus that answers has nothing else to do.
 */
final class CallTime implements Bench {
    /** Chosen: the times of single calls differ by a third on a machine with two processors. */
    private static final int ROUNDS = 15;

    /** Chosen: a source tree may build before its first call. */
    private static final int LIMIT_SECONDS = 300;

    private final Path launcher;

    /**
     * Calls of one launcher.
     *
     * @param root the directory with the launcher {@code agentbus}
     * @throws BenchFailure when there is none
     */
    CallTime(Path root) {
        launcher = root.resolve("agentbus").toAbsolutePath();
        if (!Files.isRegularFile(launcher) || !Files.isExecutable(launcher)) {
            throw new BenchFailure("there is no launcher " + launcher + "; start the bench with ./agentbus bench call");
        }
    }

    @Override
    public void run(Rig rig, Consumer<ObjectNode> tell) {
        rig.startBus(Map.of());
        Map<String, List<String>> calls = new LinkedHashMap<>();
        calls.put("bareJvm", List.of(Child.java(), "-version"));
        calls.put("help", List.of(launcher.toString(), "--help"));
        calls.put("listJobs", List.of(launcher.toString(), "list-jobs"));
        Path log = rig.directory().resolve("call.log");
        // The first call of a release makes its class archive, and one for help would make a small one.
        millis(calls.get("listJobs"), rig, log);
        int rounds = rig.options().get(BenchNumber.ROUNDS, ROUNDS);
        Map<String, double[]> times = new LinkedHashMap<>();
        calls.keySet().forEach(name -> times.put(name, new double[rounds]));
        for (int n = 0; n < rounds; n++) {
            for (Map.Entry<String, List<String>> call : calls.entrySet()) {
                times.get(call.getKey())[n] = millis(call.getValue(), rig, log);
            }
        }
        rig.stopBus();
        ObjectNode figures = JsonNodeFactory.instance.objectNode().put("calls", rounds);
        times.forEach((name, of) -> {
            Arrays.sort(of);
            figures.put(name + "Ms", Math.round(median(of)))
                    .put(name + "FastestMs", Math.round(of[0]))
                    .put(name + "SlowestMs", Math.round(of[of.length - 1]));
        });
        double bare = median(times.get("bareJvm"));
        figures.put("helpToBareJvm", ratio(median(times.get("help")), bare))
                .put("listJobsToBareJvm", ratio(median(times.get("listJobs")), bare));
        tell.accept(figures);
    }

    private static double millis(List<String> command, Rig rig, Path log) {
        ProcessBuilder call = new ProcessBuilder(command)
                .redirectInput(Redirect.from(Path.of("/dev/null").toFile()))
                .redirectErrorStream(true)
                .redirectOutput(log.toFile());
        // What the launcher has set for the bench, and what the bare JVM would not get.
        call.environment().keySet().removeAll(Set.of("MALLOC_ARENA_MAX", "AGENTBUS_JAVA_OPTS"));
        call.environment().put("AGENTBUS_URL", rig.busUrl());
        call.environment().put("AGENTBUS_TOKEN", rig.operatorToken());
        Process process = null;
        try {
            long began = System.nanoTime();
            process = call.start();
            boolean ended = process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS);
            double millis = (System.nanoTime() - began) / 1e6;
            if (!ended || process.exitValue() != 0) {
                throw new BenchFailure(String.join(" ", command)
                        + (ended ? " ended with exit status " + process.exitValue() : " has not ended")
                        + ": "
                        + Files.readString(log));
            }
            return millis;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BenchFailure("interrupted", e);
        } finally {
            if (process != null) {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly();
            }
        }
    }

    private static double median(double[] sorted) {
        return sorted[(sorted.length - 1) / 2];
    }

    private static double ratio(double one, double other) {
        return Math.round(one / other * 100) / 100.0;
    }
}
