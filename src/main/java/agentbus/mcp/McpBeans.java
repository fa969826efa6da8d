package agentbus.mcp;

import agentbus.beans.Beans;
import agentbus.beans.PackageBeans;
import agentbus.calls.CallLimits;
import agentbus.calls.Calls;
import agentbus.contract.Contract;
import agentbus.http.Origins;
import agentbus.settings.HttpAddress;
import agentbus.settings.Settings;
import agentbus.settings.Version;

/** The bean of the MCP endpoint. */
public final class McpBeans implements PackageBeans {
    @Override
    public void bind(Beans beans) {
        beans.bind(
                "mcpDoor",
                McpDoor.class,
                () -> new McpDoor(
                        beans.get(Contract.class),
                        Version.read(),
                        beans.get(Settings.class).integer("agentbus.phase"),
                        new Origins(beans.get(HttpAddress.class).publicUrl()),
                        beans.get(Calls.class),
                        beans.get(CallLimits.class),
                        beans.camel().createProducerTemplate()));
    }
}
