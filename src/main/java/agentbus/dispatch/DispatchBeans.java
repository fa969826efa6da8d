package agentbus.dispatch;

import agentbus.beans.Beans;
import agentbus.beans.PackageBeans;
import agentbus.db.Statements;
import agentbus.health.AgeCheck;
import agentbus.health.Meters;
import agentbus.settings.HttpAddress;
import agentbus.settings.ProgramFiles;
import agentbus.settings.ServerKey;
import agentbus.settings.Settings;
import agentbus.settings.Version;
import java.util.Map;

/**
 * Binds the beans of the dispatch routes: claims, hook calls, gateways, and the readiness checks of a dispatching node.
 */
public final class DispatchBeans implements PackageBeans {
    /** A dispatcher counts as dead after three missed heartbeats; see dispatcher_health_summary_v. */
    private static final int HEARTBEATS_TO_MISS = 3;

    @Override
    public void bind(Beans beans) {
        Settings settings = beans.get(Settings.class);
        beans.bind("failureLog", FailureLog.class, FailureLog::new);
        beans.bind("dispatcher", Dispatcher.class, () -> dispatcher(beans));
        beans.bind("wakeUps", WakeUps.class, () -> new WakeUps(beans.camel().createProducerTemplate()));
        beans.bind("hookCalls", HookCalls.class, () -> new HookCalls(beans.get(Dispatcher.class)));
        beans.bind(
                "prompts",
                Prompts.class,
                () -> new Prompts(
                        beans.get(ServerKey.class),
                        beans.get(HttpAddress.class).publicUrl(),
                        settings.integer("agentbus.prompt.max-payload-bytes"),
                        () -> beans.get(ProgramFiles.class)
                                .bytes(Prompts.TEMPLATE)
                                .orElseThrow()));
        beans.bind(
                "memoryRecall",
                MemoryRecall.class,
                () -> new MemoryRecall(
                        beans.get(Statements.class),
                        Map.of(
                                "project", settings.text("agentbus.memory.keys.project"),
                                "person", settings.text("agentbus.memory.keys.person"),
                                "service", settings.text("agentbus.memory.keys.service")),
                        beans.get(Meters.class)));
        beans.bind("gatewayHealth", GatewayHealth.class, () -> gatewayHealth(beans));
        beans.bind(
                "hookProtocol",
                HookProtocol.class,
                () -> new HookProtocol(beans.get(Gateways.class), beans.get(Prompts.class)));
        beans.bind("runAborts", RunAborts.class, () -> new RunAborts(beans.get(Gateways.class)));
        beans.bind("refusalLog", RefusalLog.class, RefusalLog::new);
        beans.bind(
                "operatorTokens",
                OperatorTokens.class,
                () -> new OperatorTokens(beans.get(Gateways.class), beans.get(RunAborts.class)));
        beans.bind("hookCallNotes", HookCallNotes.class, () -> hookCallNotes(beans));
        bindRecoveryCheck(beans);
        if (GatewaySettings.dispatches(settings, beans.get(Gateways.class))) {
            bindChecks(beans);
        }
    }

    private static Dispatcher dispatcher(Beans beans) {
        Settings settings = beans.get(Settings.class);
        Dispatcher dispatcher = new Dispatcher(
                Version.withCommit(),
                settings.text("agentbus.dispatch.wake"),
                settings.duration("agentbus.dispatch.sweep-ms"),
                settings.duration("agentbus.dispatch.beat-ms"),
                settings.duration("agentbus.dispatch.lease-ms"),
                settings.integer("agentbus.dispatch.claim-batch"),
                beans.get(Gateways.class),
                beans.get(Listening.class)::connected);
        if (GatewaySettings.dispatches(settings, beans.get(Gateways.class))) {
            Statements statements = beans.get(Statements.class);
            beans.closeAtStop(() -> {
                if (dispatcher.known()) {
                    statements.text("sql/statements/start/dispatcher-stopped.sql", dispatcher.id());
                }
            });
        }
        return dispatcher;
    }

    private static GatewayHealth gatewayHealth(Beans beans) {
        Dispatcher dispatcher = beans.get(Dispatcher.class);
        return new GatewayHealth(beans.get(Gateways.class), dispatcher.id(), dispatcher::alone);
    }

    private static HookCallNotes hookCallNotes(Beans beans) {
        HookCallNotes notes = new HookCallNotes(beans.get(Dispatcher.class).id(), beans.get(Statements.class));
        beans.closeAtStop(notes);
        return notes;
    }

    private static void bindRecoveryCheck(Beans beans) {
        // A quiet bus skips three of four recoveries, and a recovery may wait for the timeout of a database call.
        long limitMs = 8
                        * beans.get(Settings.class)
                                .duration("agentbus.dispatch.recover-ms")
                                .toMillis()
                + 5000;
        beans.bind(
                "recoveryCheck",
                AgeCheck.class,
                () -> new AgeCheck(
                        "recovery", "The last recovery", beans.get(Dispatcher.class)::recoveryAgeMs, limitMs));
    }

    private static void bindChecks(Beans beans) {
        Settings settings = beans.get(Settings.class);
        // A quiet bus skips three of four sweeps, and a sweep may wait for the timeout of a database call.
        long sweepLimitMs = 8 * settings.duration("agentbus.dispatch.sweep-ms").toMillis() + 5000;
        long heartbeatLimitMs = HEARTBEATS_TO_MISS
                * settings.duration("agentbus.dispatch.beat-ms").toMillis();
        beans.bind(
                "sweepCheck",
                AgeCheck.class,
                () -> new AgeCheck(
                        "sweep", "The last look at the queue", beans.get(Dispatcher.class)::sweepAgeMs, sweepLimitMs));
        beans.bind(
                "heartbeatCheck",
                AgeCheck.class,
                () -> new AgeCheck(
                        "heartbeat",
                        "This dispatcher's last heartbeat",
                        beans.get(Dispatcher.class)::heartbeatAgeMs,
                        heartbeatLimitMs));
    }
}
