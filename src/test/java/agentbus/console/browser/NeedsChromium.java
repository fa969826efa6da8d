package agentbus.console.browser;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * Gives the tests the {@link Console} that all classes share, and skips them, with a line in the output, on a machine
 * without Chromium or Node.
 */
final class NeedsChromium implements ExecutionCondition, ParameterResolver {
    /** Where Debian's packages chromium and nodejs put their programs. */
    static final Path CHROMIUM = Path.of("/usr/bin/chromium");

    static final Path NODE = Path.of("/usr/bin/node");

    private static final Namespace SPACE = Namespace.create(NeedsChromium.class);

    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
        for (Path program : new Path[] {CHROMIUM, NODE}) {
            if (!Files.isExecutable(program)) {
                String reason = "SKIPPED " + context.getDisplayName() + ": there is no " + program
                        + "; apt-get install chromium nodejs";
                System.err.println(reason);
                return ConditionEvaluationResult.disabled(reason);
            }
        }
        return ConditionEvaluationResult.enabled("Chromium and Node are there");
    }

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        return parameter.getParameter().getType() == Console.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
        return context.getRoot().getStore(SPACE).getOrComputeIfAbsent("console", key -> Console.start(), Console.class);
    }
}
