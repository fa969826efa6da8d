package agentbus.bench;

import agentbus.Main;
import java.io.IOException;

/** {@code agentbus run} as the bench starts it: the same process, which also ends when the bench is no more. */
final class BusMain {
    private BusMain() {}

    /**
     * Runs the bus.
     *
     * @param args as for {@code agentbus}
     */
    public static void main(String[] args) {
        Thread watch = new Thread(BusMain::endWithTheBench, "bench-watch");
        watch.setDaemon(true);
        watch.start();
        Main.main(args);
    }

    private static void endWithTheBench() {
        try {
            while (System.in.read() >= 0) {
                // Nothing is said on this line; only its end counts.
                continue;
            }
        } catch (IOException broken) {
            // As good as its end.
        }
        System.exit(0);
    }
}
