package agentbus;

import java.util.List;

/**
 * Runs the calls from which the build makes the class archive of the command line. Help and calls load different classes,
 * and an archive holds the classes of one process.
 */
final class ArchivedCalls {
    private ArchivedCalls() {}

    /**
     * Runs each call. A failure is ignored, because it only leaves classes out of the archive.
     *
     * @param args none
     */
    public static void main(String[] args) {
        for (String call : List.of("--help", "list-jobs --help", "list-jobs", "health", "get-job 1", "version")) {
            Main.run(call.split(" "));
        }
    }
}
