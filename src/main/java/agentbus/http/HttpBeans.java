package agentbus.http;

import agentbus.beans.Beans;
import agentbus.beans.PackageBeans;
import agentbus.calls.CallLimits;
import agentbus.calls.Calls;
import agentbus.contract.Contract;
import agentbus.settings.HttpAddress;
import agentbus.settings.Settings;
import io.vertx.core.Vertx;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** The beans of the HTTP endpoint. */
public final class HttpBeans implements PackageBeans {
    @Override
    public void bind(Beans beans) {
        beans.bind("httpPort", HttpPort.class, () -> port(beans));
        // Camel's HTTP server runs on the one Vertx that it finds in the registry.
        beans.bind("vertx", Vertx.class, () -> beans.get(HttpPort.class).vertx());
        beans.bind(
                "apiDoor",
                ApiDoor.class,
                () -> new ApiDoor(
                        beans.get(Contract.class),
                        beans.get(CallLimits.class),
                        beans.get(Calls.class),
                        beans.get(Settings.class).flag("agentbus.console.enabled")
                                ? Optional.of(beans.get(SameOrigin.class))
                                : Optional.empty()));
        beans.bind(
                "sameOrigin",
                SameOrigin.class,
                () -> new SameOrigin(beans.get(HttpAddress.class).publicUrl()));
        beans.bind("serverAnswers", ServerAnswers.class, () -> serverAnswers(beans));
    }

    private static HttpPort port(Beans beans) {
        HttpPort port = new HttpPort(
                beans.get(HttpAddress.class), beans.get(Settings.class).duration("agentbus.http.idle-timeout-seconds"));
        beans.closeAtStop(port::close);
        return port;
    }

    private static ServerAnswers serverAnswers(Beans beans) {
        Settings settings = beans.get(Settings.class);
        HttpAddress address = beans.get(HttpAddress.class);
        ServerAnswers answers = new ServerAnswers(
                beans.get(Contract.class),
                beans.get(CallLimits.class),
                new RequestRules(
                        address,
                        names(settings.text("agentbus.http.allowed-hosts")),
                        settings.text("agentbus.observe.token")),
                new Origins(address.publicUrl()),
                settings.integer("agentbus.http.max-body-bytes"),
                settings.duration("agentbus.http.body-timeout-seconds"));
        beans.whenStarted(() -> answers.install(beans.camel(), address.port()));
        return answers;
    }

    private static List<String> names(String joined) {
        return Stream.of(joined.split(","))
                .map(String::strip)
                .filter(name -> !name.isEmpty())
                .toList();
    }
}
