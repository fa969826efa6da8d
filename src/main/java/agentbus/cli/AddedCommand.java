package agentbus.cli;

import java.util.function.Supplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;

/**
 * A command that is no operation of the contract, such as {@code run}.
 *
 * @param summary makes the line that the help of the program says of it. It is apart from the command, because all
 *     commands take longer to make than their lines.
 * @param spec makes the command for picocli, which prints its help. Its user object is a {@link Runnable}, or a {@link
 *     java.util.concurrent.Callable} that returns the exit status. An exception is printed as one line: the detail of a
 *     Problem, the message of any other exception.
 */
public record AddedCommand(Supplier<String> summary, Supplier<CommandSpec> spec) {
    /**
     * A command whose class has the annotation {@link Command}.
     *
     * @param type the class; the first line of its description is the summary
     * @param spec makes the command for picocli
     * @return the command
     */
    public static AddedCommand of(Class<?> type, Supplier<CommandSpec> spec) {
        return new AddedCommand(() -> type.getAnnotation(Command.class).description()[0], spec);
    }

    /**
     * A command that annotations describe whole.
     *
     * @param type the class with the annotations
     * @param command makes an object of the class
     * @param <C> the class
     * @return the command
     */
    public static <C> AddedCommand annotated(Class<C> type, Supplier<C> command) {
        return of(type, () -> CommandSpec.forAnnotatedObject(command.get()));
    }
}
