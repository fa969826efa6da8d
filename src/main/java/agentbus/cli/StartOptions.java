package agentbus.cli;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.Option;

/** What the commands that start a bus share: the option {@code --set}, and the line that says where the bus runs. */
public final class StartOptions {
    @Option(
            names = "--set",
            paramLabel = "KEY=VALUE",
            description = "A setting, stronger than file and environment; may be repeated.")
    private final Map<String, String> settings = new LinkedHashMap<>();

    private final long began = System.nanoTime();

    /** The settings of the command line, by key. */
    public Map<String, String> settings() {
        return Collections.unmodifiableMap(settings);
    }

    /**
     * The line that says that the bus runs, with the time since this object was made.
     *
     * @param command what runs, for people
     * @param url where it answers
     * @return one line
     */
    public String greeting(String command, String url) {
        long millis = (System.nanoTime() - began) / 1_000_000;
        return command + " runs at " + url + " (started in " + millis + " ms; Ctrl-C stops it)";
    }
}
