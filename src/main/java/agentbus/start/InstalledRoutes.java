package agentbus.start;

import agentbus.fleet.AgentFileError;
import agentbus.fleet.AgentFiles;
import agentbus.imports.Installation;
import agentbus.orders.Order;
import agentbus.orders.OrderReader;
import agentbus.settings.ProgramFiles;
import agentbus.settings.Settings;
import agentbus.settings.StartFailure;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import org.apache.camel.RoutesBuilder;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.spi.Resource;
import org.apache.camel.support.PluginHelper;
import org.apache.camel.support.ResourceHelper;

/** The route files of an installation, read without starting anything. */
public final class InstalledRoutes implements Installation {
    private static final String TEMPLATE = "routes/phase-1-spine/orders/standing-order-template.camel.yaml";

    private final Settings settings;
    private final ProgramFiles program;
    private final RouteFiles files;

    /**
     * The route files of one installation, those of phases that are off included.
     *
     * @param home the home directory
     * @param environment the process's variables
     * @throws StartFailure when the settings are wrong
     */
    public InstalledRoutes(Path home, Map<String, String> environment) {
        String highest = String.valueOf(RouteFiles.HIGHEST_PHASE);
        this.settings = Settings.load(home, environment, Map.of("agentbus.phase", highest));
        this.program = new ProgramFiles(settings);
        this.files = new RouteFiles(settings, program, List.of());
    }

    @Override
    public Optional<Path> routes() {
        return files.own();
    }

    @Override
    public Set<String> agents() {
        Set<String> agents = new HashSet<>();
        try {
            AgentFiles.of(settings)
                    .read()
                    .forEach(agent -> agents.add(agent.get("id").asText()));
        } catch (AgentFileError wrong) {
            throw new StartFailure(wrong.getMessage(), wrong);
        }
        return agents;
    }

    @Override
    public Set<String> names(Path without) {
        Set<String> names = new HashSet<>();
        DefaultCamelContext camel = new DefaultCamelContext();
        try {
            for (Resource file : files.find(camel)) {
                if (!RouteFiles.path(file.getLocation()).equals(Optional.of(without))) {
                    names.addAll(RouteFiles.ids(files.text(file)));
                }
            }
        } finally {
            camel.stop();
        }
        return names;
    }

    @Override
    public List<Order> read(Path file, String text) {
        Resource resource = ResourceHelper.fromString("file:" + file, text);
        files.requireList(resource);
        DefaultCamelContext camel = new DefaultCamelContext();
        try {
            Properties properties = settings.asProperties();
            properties.setProperty("agentbus.orders.enabled", "true");
            camel.getPropertiesComponent().setOverrideProperties(properties);
            for (Resource each : List.of(template(), resource)) {
                for (RoutesBuilder routes : PluginHelper.getRoutesLoader(camel).findRoutesBuilders(List.of(each))) {
                    camel.addRoutes(routes);
                    ((RouteBuilder) routes).addTemplatedRoutesToCamelContext(camel);
                }
            }
            return new OrderReader(agents(), Set.of()).read(camel);
        } catch (StartFailure wrong) {
            throw wrong;
        } catch (Exception wrong) {
            throw RouteFailure.explain(wrong, camel, files);
        } finally {
            camel.stop();
        }
    }

    private Resource template() {
        return ResourceHelper.fromString(
                "classpath:" + TEMPLATE, new String(program.bytes(TEMPLATE).orElseThrow(), StandardCharsets.UTF_8));
    }
}
