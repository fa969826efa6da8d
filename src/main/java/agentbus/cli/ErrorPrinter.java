package agentbus.cli;

import agentbus.contract.Problem;
import java.io.PrintStream;

/** Prints errors on the standard error output. */
final class ErrorPrinter {
    private final PrintStream err;
    private final boolean json;

    /**
     * A printer.
     *
     * @param err the standard error output
     * @param json true for problem JSON, false for text
     */
    ErrorPrinter(PrintStream err, boolean json) {
        this.err = err;
        this.json = json;
    }

    /** Prints a problem: a sentence, its code, and the rule unless the sentence has it already. */
    void print(Problem problem) {
        if (json) {
            err.println(problem.toJson());
            return;
        }
        err.println("error: " + Text.lines(problem.detail(), "  "));
        err.println("  code: " + Text.line(problem.code()));
        if (problem.expected() != null && !problem.detail().contains(problem.expected())) {
            err.println("  expected: " + Text.line(problem.expected()));
        }
    }

    /** Prints one line for a problem that the request did not cause, such as a failed connection. */
    void printLine(Problem problem) {
        if (json) {
            err.println(problem.toJson());
        } else {
            err.println("error: " + Text.line(problem.detail()));
        }
    }
}
