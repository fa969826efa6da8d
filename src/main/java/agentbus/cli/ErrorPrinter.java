package agentbus.cli;

import agentbus.contract.Problem;
import java.io.PrintStream;

/** Says on the standard error output what went wrong. */
final class ErrorPrinter {
    private final PrintStream err;
    private final boolean json;

    /**
     * A printer.
     *
     * @param err where to
     * @param json whether as problem JSON for programs
     */
    ErrorPrinter(PrintStream err, boolean json) {
        this.err = err;
        this.json = json;
    }

    /** Prints a problem in a sentence, its code, and what would be right. */
    void print(Problem problem) {
        if (json) {
            err.println(problem.toJson());
            return;
        }
        err.println("error: " + Text.lines(problem.detail(), "  "));
        err.println("  code: " + Text.line(problem.code()));
        if (problem.expected() != null) {
            err.println("  expected: " + Text.line(problem.expected()));
        }
    }

    /** Prints a problem that is of the road and not of the request: one line. */
    void printLine(Problem problem) {
        if (json) {
            err.println(problem.toJson());
        } else {
            err.println("error: " + Text.line(problem.detail()));
        }
    }
}
