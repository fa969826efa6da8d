package agentbus.cli;

import java.util.function.Supplier;
import picocli.CommandLine.Model.CommandSpec;

/**
 * A command that is no operation of the contract, such as {@code run}.
 *
 * @param summary its line in the help of the program, which prints it without making the command
 * @param spec makes the command for picocli, which prints its help. Its user object is a {@link Runnable}, or a {@link
 *     java.util.concurrent.Callable} that returns the exit status. An exception is printed as one line: the detail of a
 *     Problem, the message of any other exception.
 */
public record AddedCommand(String summary, Supplier<CommandSpec> spec) {
    /**
     * A command that annotations describe whole.
     *
     * @param summary its line in the help of the program. Pass a compile-time constant, so that the help does not load the
     *     command's class.
     * @param command makes an object of the class with the annotations
     * @return the command
     */
    public static AddedCommand annotated(String summary, Supplier<?> command) {
        return new AddedCommand(summary, () -> CommandSpec.forAnnotatedObject(command.get()));
    }
}
