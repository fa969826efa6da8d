package agentbus.start;

import agentbus.db.Database;
import agentbus.db.Migrations;
import agentbus.db.Statements;
import agentbus.dispatch.Gateway;
import agentbus.dispatch.Gateways;
import agentbus.fleet.AgentFiles;
import agentbus.settings.GatewayKeys;
import agentbus.settings.HttpAddress;
import agentbus.settings.OperatorTokenFile;
import agentbus.settings.ServerKey;
import agentbus.settings.Settings;
import agentbus.settings.StartFailure;
import agentbus.settings.Version;
import agentbus.text.Sha256;
import com.fasterxml.jackson.databind.node.ArrayNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Prepares the database before any route runs: migrates the schema, checks the server key, and registers the first
 * operator's token, the gateways and the agents.
 */
final class Preparation {
    private static final Logger LOG = LoggerFactory.getLogger(Preparation.class);

    private final Settings settings;
    private final Database database;
    private final Statements statements;

    /**
     * The preparation of one database.
     *
     * @param settings the settings
     * @param database the database
     * @param statements runs the statements of the start
     */
    Preparation(Settings settings, Database database, Statements statements) {
        this.settings = settings;
        this.database = database;
        this.statements = statements;
    }

    /**
     * Prepares the database.
     *
     * @param key this node's server key
     * @param gateways this node's gateways
     * @param fleet the agents' files, read already
     * @return the ids of the agents that the files describe
     * @throws StartFailure when a statement fails, when the database belongs to another server key, or when an agent
     *     file is wrong
     */
    Set<String> run(ServerKey key, Gateways gateways, AgentFiles fleet) {
        new Migrations(database).run();
        String agreed = statements.text("sql/statements/start/agree-on-server-key.sql", key.fingerprint());
        if (!agreed.equals(key.fingerprint())) {
            throw new StartFailure("the server key of this node (" + key.fingerprint()
                    + ") is not the one this database was set up" + " with (" + agreed
                    + "); copy data/server.key from another node, or set AGENTBUS_SERVER_KEY");
        }
        String namespace = settings.text("agentbus.namespace");
        statements.text("sql/statements/start/take-namespace.sql", namespace);
        statements.text(
                "sql/statements/start/note-program.sql",
                namespace,
                Version.read(),
                settings.integer("agentbus.phase"),
                Version.commit().orElse(""));
        notePhase(namespace);
        OperatorTokenFile token = OperatorTokenFile.open(tokenDirectory(settings));
        statements.text(
                "sql/statements/start/register-operator-token.sql",
                Sha256.of(token.token()),
                "first-operator",
                namespace);
        gateways.all().forEach(this::configure);
        ArrayNode agents = fleet.agents();
        fleet.checkGateways(names("sql/statements/start/gateway-names.sql", namespace));
        String synced = statements.text("sql/statements/start/sync-agents.sql", namespace, agents.toString());
        LOG.debug("Agents synced: {}", synced);
        Set<String> ids = new HashSet<>();
        agents.forEach(agent -> ids.add(agent.get("id").asText()));
        return ids;
    }

    /**
     * The directory of the first operator's token.
     *
     * @param settings the settings
     * @return {@code agentbus.data.token-dir}, or the data directory if that is empty
     */
    static Path tokenDirectory(Settings settings) {
        return settings.path("agentbus.data.token-dir").orElseGet(settings::dataDirectory);
    }

    /** Notes which phases are on, and warns when one before the highest has no sign-off. */
    private void notePhase(String namespace) {
        String warning = statements.text(
                "sql/statements/start/note-phase.sql",
                namespace,
                settings.integer("agentbus.phase"),
                HttpAddress.machineName() + "-" + ProcessHandle.current().pid());
        if (warning != null) {
            LOG.warn("{}", warning);
        }
    }

    private void configure(Gateway gateway) {
        statements.text(
                "sql/statements/start/configure-gateway.sql",
                settings.text("agentbus.namespace"),
                gateway.name(),
                gateway.maxInFlight(),
                gateway.url().toString(),
                gateway.form().setting(),
                gateway.runEndSeconds());
        if (gateway.hasHookToken() && !gateway.hasOperatorToken()) {
            LOG.info(
                    "{} is not set, so a cancelled run at gateway {} continues until it ends",
                    GatewayKeys.key(gateway.name(), "operator-token"),
                    gateway.name());
        }
    }

    private List<String> names(String file, Object... parameters) {
        List<String> names = new ArrayList<>();
        statements.json(file, parameters).forEach(name -> names.add(name.asText()));
        return names;
    }
}
