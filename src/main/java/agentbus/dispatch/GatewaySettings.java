package agentbus.dispatch;

import agentbus.settings.GatewayKeys;
import agentbus.settings.Settings;
import agentbus.settings.StartFailure;
import java.util.ArrayList;
import java.util.List;

/** Reads the {@code agentbus.gateway.} settings. */
public final class GatewaySettings {
    private GatewaySettings() {}

    /**
     * Reads every gateway.
     *
     * @param settings the settings
     * @return the gateways, the default one first
     * @throws StartFailure when a gateway has no address, or a setting is out of range
     */
    public static Gateways read(Settings settings) {
        List<String> names = new ArrayList<>(List.of(GatewayKeys.DEFAULT));
        names.addAll(GatewayKeys.names(settings.text(GatewayKeys.NAMES), settings.source(GatewayKeys.NAMES)));
        List<Gateway> gateways = new ArrayList<>();
        for (String name : names) {
            gateways.add(new Gateway(
                    name,
                    settings.server(GatewayKeys.key(name, "url")),
                    Gateway.Form.named(settings.text(GatewayKeys.key(name, "form"))),
                    settings.text(GatewayKeys.key(name, "token")),
                    settings.text(GatewayKeys.key(name, "operator-token")),
                    settings.integer(GatewayKeys.key(name, "max-in-flight")),
                    settings.integer(GatewayKeys.key(name, "run-end-seconds"))));
        }
        return new Gateways(gateways);
    }

    /**
     * Whether a node dispatches: agentbus.dispatch.enabled is true, and a gateway has a hook token.
     *
     * @param settings the settings
     * @param gateways its gateways
     * @return true when it does
     */
    public static boolean dispatches(Settings settings, Gateways gateways) {
        return settings.flag("agentbus.dispatch.enabled")
                && !gateways.dispatchable().isEmpty();
    }
}
