package agentbus.settings;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * All settings of agentbus, each with its values, its default and its description. The loader takes the defaults from
 * here and checks every value; tests hold {@code application.properties} and the guide to the same text.
 */
final class SettingsTable {
    /** Chosen: ten years. */
    private static final long MOST_DAYS = 3_650;

    private static final List<Setting> OF_THE_BUS = List.of(
            whole(
                    "agentbus.phase",
                    1,
                    5,
                    "1",
                    "The highest phase that is on: 1 spine, 2 fleet, 3 proactive, 4 memory, 5 idle. All phases below"
                            + " it are on too."),
            setting(
                    "agentbus.namespace",
                    Kind.name(),
                    "default",
                    "The namespace that this node serves. Its agents, standing orders, gateways and dispatcher are in this"
                            + " namespace, so several fleets can share a database without seeing each other. A node of"
                            + " the namespace default also serves the namespaces without nodes of their own."),
            path(
                    "agentbus.data.dir",
                    "data",
                    "The directory of this installation's permanent files: its key, the first operator's token and the"
                            + " embedded database. Relative to the home directory. Back it up."),
            optional(
                    "agentbus.data.token-dir",
                    Kind.path("a directory"),
                    "the data directory",
                    "The directory of operator.token, the first operator's token, which the command line reads too."
                            + " Relative to the home directory."),
            optional(
                    "agentbus.database.url",
                    Kind.text("a postgresql: or jdbc:postgresql: URL"),
                    "agentbus starts an embedded Postgres in the data directory, on a free port of 127.0.0.1",
                    "The URL of the database, Postgres 15 or newer. Write"
                            + " postgresql://user:password@host:5432/database?sslmode=require, with %-escapes in user"
                            + " and password, or a jdbc:postgresql: URL. The environment variable DATABASE_URL works"
                            + " too."),
            optional(
                    "agentbus.database.user",
                    Kind.text("the name of a role"),
                    "the environment variable PGUSER",
                    "The user for a URL without one."),
            optional(
                    "agentbus.database.password",
                    Kind.text("a password"),
                    "the environment variable PGPASSWORD",
                    "The password for a URL without one."),
            whole(
                    "agentbus.database.pool-size",
                    4,
                    200,
                    "10",
                    "The most connections in the pool. Each keeps plans of its own, so more of them make single calls slower. Each Postgres listener uses one more: one, from phase 3 on two further ones, from phase 4 on another."),
            whole(
                    "agentbus.database.connect-timeout-ms",
                    250,
                    60_000,
                    "5000",
                    "How long to wait for a connection, from the server or from the pool."),
            whole(
                    "agentbus.database.socket-timeout-ms",
                    1_000,
                    3_600_000,
                    "60000",
                    "How long the server may be silent during a statement before the connection is closed. Does not"
                            + " apply to migrations."),
            optional(
                    "agentbus.database.embedded-binaries-dir",
                    Kind.path("a directory"),
                    "postgres-binaries in the data directory",
                    "The directory for the programs of the embedded Postgres, about 75 MB."),
            whole(
                    "agentbus.database.embedded-start-timeout-seconds",
                    5,
                    3_600,
                    "60",
                    "How long the embedded Postgres may take to start, with recovery after a crash."),
            setting(
                    "agentbus.http.host",
                    Kind.host(),
                    "127.0.0.1",
                    "The address on which the HTTP server listens. Any address but loopback needs a TLS proxy in front"
                            + " of it. The proxy should pass on only /v1, / and /console for people, and /mcp for agents on"
                            + " other machines. /observe is on the same port; see agentbus.observe.token."),
            whole("agentbus.http.port", 0, 65_535, "8080", "The port of the HTTP server; 0 for a free port."),
            whole("agentbus.http.max-body-bytes", 1_024, 16_777_216, "262144", "The largest request body."),
            whole(
                    "agentbus.http.idle-timeout-seconds",
                    1,
                    3_600,
                    "75",
                    "How long an HTTP connection may be silent before it is closed. Keep it above"
                            + " agentbus.database.socket-timeout-ms, because a connection is silent while its call"
                            + " runs."),
            whole(
                    "agentbus.http.body-timeout-seconds",
                    1,
                    600,
                    "30",
                    "How long the body of a request may take to arrive. After that the answer is 408."),
            optional(
                    "agentbus.http.allowed-hosts",
                    Kind.hosts(),
                    "only requests that arrive at a loopback address are checked",
                    "The further host names by which callers reach the bus, such as that of a proxy. A request with"
                            + " another name in Host is refused, because a page in a browser could read the bus under a"
                            + " name of its own (DNS rebinding). localhost, IP addresses, the name of this machine,"
                            + " agentbus.http.host and the host of agentbus.http.public-url are always accepted."),
            flag(
                    "agentbus.console.enabled",
                    "true",
                    "Whether this node serves the operator's console at / and /console. With false these paths are"
                            + " unknown, and the cookie of a session is not accepted."),
            whole(
                    "agentbus.console.max-streams",
                    1,
                    1_000,
                    "64",
                    "The most live streams of the console on this node; one browser needs one. A further one is answered"
                            + " 503, and its page asks every few seconds instead."),
            optional(
                    "agentbus.jolokia.port",
                    Kind.whole("agentbus.jolokia.port", 0, 65_535),
                    "Hawtio and Jolokia are off",
                    "The port of Hawtio and Jolokia on 127.0.0.1, such as 8778; 0 for a free port. An operator who logs in"
                            + " with a token sees the routes of this node, and can stop and start them."),
            optional(
                    "agentbus.observe.token",
                    Kind.token(),
                    "/observe asks for no token",
                    "The bearer token that /observe asks for. Set it if others can reach the port."),
            whole(
                    "agentbus.limits.calls-per-second",
                    1,
                    1_000_000,
                    "20",
                    "The average rate of calls of one agent, attempt or viewer, per second. A call beyond it is answered"
                            + " 429. Operators and sessions of the console have no limit, and each node counts its own"
                            + " calls."),
            whole(
                    "agentbus.limits.burst",
                    1,
                    1_000_000,
                    "100",
                    "The most calls that one agent or attempt can make at once after a pause."),
            whole(
                    "agentbus.limits.bad-tokens-per-minute",
                    1,
                    1_000_000,
                    "20",
                    "The most wrong tokens from one address per minute. Further wrong ones are answered 429; a valid"
                            + " token always works. OpenClaw 2026.9.6 has the same limit (measured)."),
            whole(
                    "agentbus.limits.bytes-per-day",
                    1_048_576,
                    Integer.MAX_VALUE,
                    "268435456",
                    "How many bytes one agent can store per day (UTC). These are the payloads, results, reports and events"
                            + " of all its attempts and its own token. A call beyond that is answered 429."),
            optional(
                    "agentbus.http.public-url",
                    Kind.url(),
                    "http://<host>:<port> of the HTTP server",
                    "The URL at which agents call the bus; their prompts contain it."),
            optional(
                    "agentbus.source.dir",
                    Kind.path("a directory"),
                    "the files in the jar",
                    "The checkout or the release of agentbus from which route files, templates, the console and"
                            + " statements (sql/statements) are read, so that a changed file needs a restart and no"
                            + " build. The launcher sets it to its own directory."),
            path(
                    "agentbus.routes.dir",
                    "routes",
                    "The directory for your own route files. Every file *.camel.yaml in it and below is loaded after"
                            + " those of the phases. Relative to the home directory; the directory need not exist."),
            path(
                    "agentbus.agents.dir",
                    "agents",
                    "The directory with one folder per agent. Relative to the home directory; written to the database"
                            + " at every start. Without a directory agents there, the agents of agentbus.source.dir"
                            + " are used."),
            flag(
                    "agentbus.dispatch.enabled",
                    "true",
                    "Whether this node dispatches. With false it only serves the API and recovers jobs; other nodes"
                            + " dispatch, or workers pull."),
            setting(
                    "agentbus.dispatch.wake",
                    Kind.words("listen", "poll"),
                    "listen",
                    "How the dispatcher learns of new work. With listen, Postgres notifies it, and the sweep finds lost"
                            + " notifications; with poll, the sweep alone finds work, for a database that cannot pass"
                            + " on notifications."),
            whole(
                    "agentbus.dispatch.sweep-ms",
                    50,
                    60_000,
                    "2000",
                    "The time between two sweeps, which look at the queue without a notification. With listen, an idle"
                            + " bus looks only every fourth time. With poll, a new job waits up to this long, so try"
                            + " 500."),
            whole("agentbus.dispatch.claim-batch", 1, 1_000, "50", "The most jobs that one claim takes."),
            whole(
                    "agentbus.dispatch.deliveries",
                    1,
                    256,
                    "16",
                    "The threads for hook calls. Hook calls are blocking: each holds a thread until its answer arrives."
                            + " With several gateways, set more than the sum of their max-in-flight."),
            whole(
                    "agentbus.dispatch.lease-ms",
                    1_000,
                    600_000,
                    "12000",
                    "The lease of a claim. Heartbeats renew the lease; when it ends, the claims of a dead dispatcher"
                            + " are free. Set it to at least three times agentbus.dispatch.beat-ms."),
            whole(
                    "agentbus.dispatch.beat-ms",
                    100,
                    200_000,
                    "4000",
                    "The time between two heartbeats of a dispatcher."),
            whole(
                    "agentbus.dispatch.run-end-ms",
                    100,
                    60_000,
                    "20000",
                    "The time between two sweeps for runs that ended without closing their job and for runs to be"
                            + " stopped. With listen, an idle bus looks only every third time. With poll, such runs wait"
                            + " up to this long, so try 1000."),
            whole(
                    "agentbus.dispatch.recover-ms",
                    50,
                    600_000,
                    "5000",
                    "The time between two recoveries, which end attempts with expired leases and move blocked jobs whose"
                            + " time has come. Keep at or below 15000: a quiet bus recovers every fourth time, and a gap"
                            + " over 60 s counts as an outage (leases get two extra minutes)."),
            whole(
                    "agentbus.dispatch.forget-after-days",
                    1,
                    MOST_DAYS,
                    "30",
                    "How long a dispatcher must be silent before its row is deleted."),
            whole(
                    "agentbus.history.keep-days",
                    1,
                    MOST_DAYS,
                    "30",
                    "The age at which finished work moves to the history tables. Finished work is jobs (but not dead"
                            + " letters), slots of standing orders, attempts, events and audit rows. Dedupe keys of"
                            + " events hold for the same time. Of several fleets in one database the smallest"
                            + " number counts."),
            whole(
                    "agentbus.history.batch-size",
                    1,
                    10_000,
                    "500",
                    "The most rows that one transaction moves to history."),
            whole(
                    "agentbus.history.pause-ms",
                    1,
                    60_000,
                    "200",
                    "The pause between two batches of history. It keeps the database free for the queue."),
            setting(
                    "agentbus.history.cron",
                    Kind.cron(),
                    "0 41 * * * ?",
                    "When this node moves finished work to history. Only one node works at a time. The default is hourly"
                            + " at minute 41."),
            flag(
                    "agentbus.orders.enabled",
                    "false",
                    "Whether this node runs standing orders. With false it does not read them from the route files and"
                            + " does not settle slots; run and health say so. Off by default, because standing orders"
                            + " wake models without a request."),
            whole(
                    "agentbus.orders.settle-ms",
                    100,
                    600_000,
                    "10000",
                    "The time between two sweeps for due slots that no trigger has settled."),
            whole(
                    "agentbus.orders.plan-ahead-hours",
                    1,
                    720,
                    "24",
                    "How far ahead the slots of standing orders are written. Each order gets at least the next five"
                            + " slots."),
            whole(
                    "agentbus.orders.plan-minutes",
                    1,
                    60,
                    "10",
                    "The time between two runs of the task that writes slots ahead."),
            whole(
                    "agentbus.audit.seconds",
                    1,
                    3_600,
                    "60",
                    "The time between two audits, in which the bus checks itself and emits audit.* events."),
            whole(
                    "agentbus.prompt.max-payload-bytes",
                    1_000,
                    120_000,
                    "60000",
                    "The largest payload in a prompt. The gateway accepts bodies up to 256 KiB (measured on OpenClaw"
                            + " 2026.9.6). For a larger payload the prompt says how to fetch it."),
            keys("project", "project,projectId,project_id,repo,repository"),
            keys("person", "person,personId,requester,customer"),
            keys("service", "service,serviceName,service_name,component,host"),
            optional(
                    GatewayKeys.NAMES,
                    Kind.text("names joined by commas"),
                    "there is only the gateway default",
                    "The names of further OpenClaw gateways. The settings below describe the gateway named default,"
                            + " which always exists. A gateway named east here has its own agentbus.gateway.east.url,"
                            + " .token, .operator-token, .form, .max-in-flight and .run-end-seconds"
                            + " (AGENTBUS_GATEWAY_EAST_TOKEN …), with"
                            + " the same defaults; only its url is required. An agent.yaml names the gateway of its"
                            + " agent."),
            setting(
                    "agentbus.gateway.url",
                    Kind.server(),
                    "http://127.0.0.1:18789",
                    "The address of the OpenClaw gateway, without a path."),
            optional(
                    "agentbus.gateway.token",
                    Kind.token(),
                    "this node sends the gateway no work",
                    "The gateway's hook token (hooks.token in openclaw.json)."),
            optional(
                    "agentbus.gateway.operator-token",
                    Kind.text("any text on one line"),
                    "runs of cancelled and timed-out jobs go on until they end by themselves",
                    "The gateway's operator token (gateway.auth.token in openclaw.json), which stops the runs of"
                            + " cancelled and timed-out jobs. It grants full control of the gateway."),
            setting(
                    "agentbus.gateway.form",
                    Kind.words("mapped", "direct"),
                    "mapped",
                    "The form of hook calls. With mapped the bus calls POST /hooks/job/<agent>, and the gateway's"
                            + " mappings add all options. With direct it calls POST /hooks/agent; the gateway then"
                            + " wraps the prompt as untrusted, and models may refuse to act on it."),
            whole(
                    "agentbus.gateway.max-in-flight",
                    1,
                    10_000,
                    "7",
                    "The most runs at once on this gateway. OpenClaw 2026.9.6 runs at most 8."),
            whole(
                    "agentbus.gateway.run-end-seconds",
                    0,
                    3_600,
                    "300",
                    "How long a run keeps its place in the agent's lane and on the gateway after its job was closed,"
                            + " while the gateway's plugin has not reported its end. With 0 the place is free at the"
                            + " close. Chosen: no command of a run lasts longer in the foreground with the fleet's"
                            + " configuration of OpenClaw (tools.exec.backgroundMs)."),
            whole(
                    "agentbus.gateway.health-seconds",
                    1,
                    20,
                    "5",
                    "The time between two readiness checks of a gateway. A gateway that drains or is down gets no work."),
            whole(
                    "agentbus.gateway.answer-timeout-ms",
                    1_000,
                    120_000,
                    "20000",
                    "How long to wait for the answer to a hook call. A gateway answers within 15 s."),
            whole(
                    "agentbus.metrics.queue-seconds",
                    1,
                    60,
                    "15",
                    "The time between two measurements of the queue for the metrics."),
            whole(
                    "agentbus.stop.drain-seconds",
                    1,
                    3_600,
                    "20",
                    "How long a stopping node waits for calls and hook calls under way."));

    private static final List<Setting> ALL =
            Stream.concat(OF_THE_BUS.stream(), VaultSettingsTable.ALL.stream()).toList();

    private static final Map<String, Setting> BY_NAME =
            ALL.stream().collect(Collectors.toMap(Setting::name, Function.identity(), (a, b) -> a, LinkedHashMap::new));

    private SettingsTable() {}

    /** All settings, in the order of {@code application.properties}. */
    static List<Setting> all() {
        return ALL;
    }

    /**
     * Finds a setting.
     *
     * @param name the setting's name; a named gateway's setting is described by that of the gateway default
     * @return the setting; empty for a key of Camel or of the installation's own routes
     */
    static Optional<Setting> find(String name) {
        return Optional.ofNullable(BY_NAME.get(GatewayKeys.ofDefault(name)));
    }

    private static Setting setting(String name, Kind kind, String usual, String text) {
        return new Setting(name, kind, usual, "", text);
    }

    private static Setting optional(String name, Kind kind, String whenEmpty, String text) {
        return new Setting(name, kind, "", whenEmpty, text);
    }

    private static Setting whole(String name, long least, long most, String usual, String text) {
        return setting(name, Kind.whole(name, least, most), usual, text);
    }

    private static Setting keys(String scope, String usual) {
        String text = "The payload fields that name the " + scope + " of a job, by which its memories are found. A dot"
                + " leads into a nested object, as in build.host.";
        return setting("agentbus.memory.keys." + scope, Kind.text("names joined by commas"), usual, text);
    }

    private static Setting flag(String name, String usual, String text) {
        return setting(name, Kind.words("true", "false"), usual, text);
    }

    private static Setting path(String name, String usual, String text) {
        return setting(name, Kind.path("a directory"), usual, text);
    }
}
