package agentbus.gateway;

import java.util.Map;
import java.util.concurrent.CountDownLatch;

/** What the scripted model does when it is told of a job. */
sealed interface Move {
    /**
     * Asks for {@code exec} with one of the prompt's commands; ends its turn after the result.
     *
     * @param outcome complete, block or fail
     * @param json what to say
     */
    record Curl(String outcome, String json) implements Move {}

    /**
     * Asks for {@code exec} with a command of its own; when it has its result, does something else.
     *
     * @param command a shell command
     * @param then what it does after that, by what it is told then
     */
    record Work(String command, Move then) implements Move {}

    /**
     * Asks for one of the bus's MCP tools; jobId and token are added.
     *
     * @param tool its name, such as {@code agentbus__complete}
     * @param arguments the other arguments
     */
    record Tool(String tool, Map<String, Object> arguments) implements Move {}

    /**
     * Says something and ends its turn: closes nothing.
     *
     * @param text what it says
     */
    record Say(String text) implements Move {}

    /**
     * Thinks until it is let go, or its caller hangs up; then does something else.
     *
     * @param until opens when it may go on
     * @param then what it does after that
     */
    record Think(CountDownLatch until, Move then) implements Move {}

    /** A complete with a summary, by curl. */
    static Move complete() {
        return new Curl("complete", "{\"summary\": \"It's done.\"}");
    }
}
