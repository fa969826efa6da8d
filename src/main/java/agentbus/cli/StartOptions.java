package agentbus.cli;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.Option;

/**
 * The common part of commands that start a bus: the option {@code --set}, and the line that reports the bus's address.
 */
public final class StartOptions {
    @Option(
            names = "--set",
            paramLabel = "KEY=VALUE",
            description = "A setting; overrides file and environment; may be repeated.")
    private final Map<String, String> settings = new LinkedHashMap<>();

    private final long began = System.nanoTime();

    /** The settings of the command line, by key. */
    public Map<String, String> settings() {
        return Collections.unmodifiableMap(settings);
    }

    /**
     * The line that reports that the bus runs, with the time since this object was created.
     *
     * @param command the running command, for people
     * @param url the bus's URL
     * @return one line
     */
    public String greeting(String command, String url) {
        long millis = (System.nanoTime() - began) / 1_000_000;
        return command + " runs at " + url + " (started in " + millis + " ms; Ctrl-C stops it)";
    }
}
