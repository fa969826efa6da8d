package agentbus.http;

import agentbus.beans.Beans;
import agentbus.beans.PackageBeans;
import agentbus.calls.CallLimits;
import agentbus.calls.Calls;
import agentbus.contract.Contract;
import agentbus.settings.HttpAddress;
import agentbus.settings.Settings;
import io.vertx.core.Vertx;

/** The beans of the HTTP endpoint. */
public final class HttpBeans implements PackageBeans {
    @Override
    public void bind(Beans beans) {
        // Camel's HTTP server runs on the one Vertx that it finds in the registry.
        beans.bind("vertx", Vertx.class, () -> vertx(beans));
        beans.bind(
                "apiDoor",
                ApiDoor.class,
                () -> new ApiDoor(beans.get(Contract.class), beans.get(CallLimits.class), beans.get(Calls.class)));
        beans.bind("serverAnswers", ServerAnswers.class, () -> serverAnswers(beans));
    }

    private static Vertx vertx(Beans beans) {
        Vertx vertx = PatientServer.vertx(beans.get(Settings.class).duration("agentbus.http.idle-timeout-seconds"));
        beans.closeAtStop(
                () -> vertx.close().toCompletionStage().toCompletableFuture().join());
        return vertx;
    }

    private static ServerAnswers serverAnswers(Beans beans) {
        Settings settings = beans.get(Settings.class);
        ServerAnswers answers = new ServerAnswers(
                beans.get(Contract.class),
                beans.get(CallLimits.class),
                settings.integer("agentbus.http.max-body-bytes"),
                settings.duration("agentbus.http.body-timeout-seconds"));
        beans.whenStarted(() ->
                answers.install(beans.camel(), beans.get(HttpAddress.class).port()));
        return answers;
    }
}
