package agentbus.gateway;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;
import java.util.concurrent.CountDownLatch;

/** The scripted model's behaviour for one job. */
sealed interface Move {
    /** A call of a tool that does not end the turn. */
    sealed interface Step extends Move {
        /** The move after the tool's answer. */
        Move then();
    }

    /**
     * Calls {@code exec} with one of the prompt's commands, and ends its turn after the result.
     *
     * @param outcome complete, block or fail
     * @param json the JSON body
     */
    record Curl(String outcome, String json) implements Move {}

    /**
     * Calls {@code exec} with another command, and makes a further move after the result.
     *
     * @param command a shell command
     * @param then the further move
     */
    record Work(String command, Move then) implements Step {}

    /**
     * Calls one of the bus's MCP tools, and makes a further move after the result; only the token is added.
     *
     * @param tool the tool's name, such as {@code agentbus__propose}
     * @param arguments the other arguments
     * @param then the further move
     */
    record Call(String tool, ObjectNode arguments, Move then) implements Step {}

    /**
     * Calls one of the bus's MCP tools; jobId and token are added.
     *
     * @param tool the tool's name, such as {@code agentbus__complete}
     * @param arguments the other arguments
     */
    record Tool(String tool, Map<String, Object> arguments) implements Move {}

    /**
     * Answers with a text and ends its turn without a close.
     *
     * @param text the text
     */
    record Say(String text) implements Move {}

    /**
     * Thinks until the latch opens or its caller hangs up, and then makes a further move.
     *
     * @param until the latch
     * @param then the further move
     */
    record Think(CountDownLatch until, Move then) implements Move {}

    /** A complete by curl with a summary. */
    static Move complete() {
        return new Curl("complete", "{\"summary\": \"It's done.\"}");
    }
}
