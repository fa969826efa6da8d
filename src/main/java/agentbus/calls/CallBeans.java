package agentbus.calls;

import agentbus.beans.Beans;
import agentbus.beans.PackageBeans;
import agentbus.contract.Contract;
import agentbus.db.Statements;
import agentbus.health.Meters;
import agentbus.settings.ServerKey;
import agentbus.settings.Settings;
import io.github.bucket4j.TimeMeter;

/** The beans of the common part of all doors. */
public final class CallBeans implements PackageBeans {
    @Override
    public void bind(Beans beans) {
        beans.bind("contract", Contract.class, Contract::load);
        // Most beans need the operations.
        beans.beforeDatabase(() -> beans.get(Contract.class).operations());
        beans.bind("callLimits", CallLimits.class, () -> limits(beans));
        beans.bind(
                "calls",
                Calls.class,
                () -> new Calls(
                        new OperationStatements(beans.get(Contract.class), beans.get(Statements.class)),
                        beans.get(CallLimits.class),
                        beans.get(Meters.class)));
        beans.bind("batchedCalls", BatchedCalls.class, () -> {
            BatchedCalls batches = new BatchedCalls(beans.get(Contract.class), beans.get(Statements.class));
            beans.closeAtStop(batches);
            return batches;
        });
        beans.bind("attemptTokens", AttemptTokens.class, () -> new AttemptTokens(beans.get(ServerKey.class)));
        beans.bind(
                "routeCalls",
                RouteCalls.class,
                () -> new RouteCalls(
                        beans.get(Settings.class).text("agentbus.namespace"),
                        beans.get(Contract.class),
                        beans.get(CallLimits.class),
                        beans.get(Calls.class)));
    }

    private static CallLimits limits(Beans beans) {
        Settings settings = beans.get(Settings.class);
        return new CallLimits(
                new Credentials(beans.get(ServerKey.class)),
                new CallLimits.Rates(
                        settings.integer("agentbus.limits.calls-per-second"),
                        settings.integer("agentbus.limits.burst"),
                        settings.integer("agentbus.limits.bad-tokens-per-minute"),
                        settings.integer("agentbus.limits.bytes-per-day")),
                TimeMeter.SYSTEM_NANOTIME,
                beans.get(Meters.class));
    }
}
