package agentbus.bench;

import java.io.IOException;
import java.util.Arrays;

/** The bench's way to start {@code agentbus run}: the process ends when the bench ends. */
final class BusMain {
    private BusMain() {}

    /**
     * Runs the bus.
     *
     * @param args the name of the program's main class, then the arguments of {@code agentbus}
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
                // The bench writes nothing to this input; its end is the signal that the bench has ended.
                continue;
            }
        } catch (IOException broken) {
            // A broken input also means that the bench has ended.
        }
        System.exit(0);
    }
}
