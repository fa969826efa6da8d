package agentbus.cli;

import agentbus.contract.Contract;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/** Runs commands like a shell and captures their output. */
final class Shell {
    final Map<String, String> env = new HashMap<>();
    private final AgentbusCli cli;
    private String input = "";

    record Run(int exit, String out, String err) {}

    Shell(Contract contract, Map<String, AddedCommand> added) {
        cli = new AgentbusCli(contract, added);
    }

    Shell(Contract contract, String url, String home) {
        this(contract, Map.of());
        env.put("AGENTBUS_URL", url);
        env.put("AGENTBUS_HOME", home);
    }

    Shell in(String text) {
        input = text;
        return this;
    }

    Run run(String... args) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        int exit = cli.execute(
                args,
                new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)),
                new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8),
                env);
        return new Run(exit, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }
}
