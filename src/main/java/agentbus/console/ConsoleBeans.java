package agentbus.console;

import agentbus.beans.Beans;
import agentbus.beans.PackageBeans;
import agentbus.calls.CallLimits;
import agentbus.contract.Contract;
import agentbus.db.Statements;
import agentbus.http.SameOrigin;
import agentbus.settings.HttpAddress;
import agentbus.settings.ProgramFiles;
import agentbus.settings.Settings;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpRouter;

/** The beans of the operator's console. With {@code agentbus.console.enabled=false} nothing is served. */
public final class ConsoleBeans implements PackageBeans {
    @Override
    public void bind(Beans beans) {
        beans.bind("consoleStreams", ConsoleStreams.class, () -> streams(beans));
        // Reads, joins and packs the files of the console.
        beans.beforeDatabase(() -> beans.get(ConsoleStreams.class));
        beans.bind(
                "consoleSessions",
                ConsoleSessions.class,
                () -> new ConsoleSessions(
                        beans.get(CallLimits.class),
                        beans.get(Statements.class),
                        beans.get(SameOrigin.class),
                        beans.get(HttpAddress.class).publicUrl().startsWith("https:"),
                        beans.get(ConsoleStreams.class)));
        beans.bind(
                "consoleWatch",
                ConsoleWatch.class,
                () -> new ConsoleWatch(beans.get(ConsoleStreams.class), beans.get(ConsoleSessions.class)));
    }

    private static ConsoleStreams streams(Beans beans) {
        Settings settings = beans.get(Settings.class);
        ConsoleStreams streams = new ConsoleStreams(
                beans.get(CallLimits.class),
                beans.get(SameOrigin.class),
                settings.integer("agentbus.console.max-streams"));
        Gauge.builder("agentbus.console.streams", streams, ConsoleStreams::count)
                .description("Live streams of the console on this node.")
                .register(beans.get(PrometheusMeterRegistry.class));
        if (settings.flag("agentbus.console.enabled")) {
            ConsolePages pages = new ConsolePages(
                    beans.get(ProgramFiles.class),
                    beans.get(Contract.class),
                    (call, version) -> streams.open(call, version, beans.get(ConsoleSessions.class)::principal));
            beans.whenStarted(() -> pages.install(VertxPlatformHttpRouter.lookup(
                    beans.camel(),
                    VertxPlatformHttpRouter.getRouterNameFromPort(
                            beans.get(HttpAddress.class).port()))));
            beans.whenStopping(streams::stop);
        }
        return streams;
    }
}
