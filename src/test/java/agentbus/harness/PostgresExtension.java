package agentbus.harness;

import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * Gives each test class a {@link TestDatabase} of its own, copied from a template with the schema; all classes of
 * a process share one server. Declare it as a parameter of a constructor or a {@code @BeforeAll} method.
 */
public final class PostgresExtension implements ParameterResolver {
    private static final Namespace SPACE = Namespace.create(PostgresExtension.class);

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        return parameter.getParameter().getType() == TestDatabase.class;
    }

    @Override
    public TestDatabase resolveParameter(ParameterContext parameter, ExtensionContext context) {
        ExtensionContext ofClass = context;
        while (ofClass.getTestMethod().isPresent()) {
            ofClass = ofClass.getParent().orElseThrow();
        }
        return ofClass.getStore(SPACE)
                .getOrComputeIfAbsent("database", key -> TestServer.shared().newDatabase(), TestDatabase.class);
    }
}
