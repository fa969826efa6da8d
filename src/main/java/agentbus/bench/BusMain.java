package agentbus.bench;

import java.io.IOException;
import java.util.Arrays;

/** {@code agentbus run} as the bench starts it: the process ends when the bench has ended. */
final class BusMain {
    private BusMain() {}

    /**
     * Runs the bus.
     *
     * @param args the name of the program's main class, then what {@code agentbus} takes
     * @throws ReflectiveOperationException when there is no such class, or its {@code main} fails
     */
    public static void main(String[] args) throws ReflectiveOperationException {
        Thread watch = new Thread(BusMain::endWithTheBench, "bench-watch");
        watch.setDaemon(true);
        watch.start();
        Class.forName(args[0]).getMethod("main", String[].class).invoke(null, (Object)
                Arrays.copyOfRange(args, 1, args.length));
    }

    private static void endWithTheBench() {
        try {
            while (System.in.read() >= 0) {
                // The bench writes nothing here; the end of the input is the signal.
                continue;
            }
        } catch (IOException broken) {
            // A broken input means that the bench has ended, too.
        }
        System.exit(0);
    }
}
