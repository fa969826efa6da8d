package agentbus;

/**
 * Runs the calls from which the build makes the class archive of the command line. Help and calls load different classes,
 * and an archive holds the classes of one process.
 */
final class ArchivedCalls {
    private ArchivedCalls() {}

    /**
     * Runs each call. A failure is ignored, because it only leaves classes out of the archive.
     *
     * @param calls a command and its options each, joined by blanks
     */
    public static void main(String[] calls) {
        for (String call : calls) {
            Main.run(call.split(" "));
        }
        System.exit(0);
    }
}
