package agentbus.start;

import java.io.PrintStream;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Option;

/** What the commands that start a bus have in common: their settings, and the first line they say. */
abstract class StartCommand implements Callable<Integer> {
    /** Where it says that it runs. */
    final PrintStream out;
    /** The environment's variables. */
    final Map<String, String> environment;

    @Option(
            names = "--set",
            paramLabel = "KEY=VALUE",
            description = "A setting, stronger than file and environment; may be repeated.")
    final Map<String, String> overrides = new LinkedHashMap<>();

    private final long began = System.nanoTime();

    StartCommand(PrintStream out, Map<String, String> environment) {
        this.out = out;
        this.environment = environment;
    }

    /** Says that the bus runs and where. */
    void greet(String name, Bus bus) {
        long millis = (System.nanoTime() - began) / 1_000_000;
        out.println(name + " runs at " + bus.url() + " (started in " + millis + " ms; Ctrl-C stops it)");
    }
}
