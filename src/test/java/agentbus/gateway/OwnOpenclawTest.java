package agentbus.gateway;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.cli.AddedCommand;
import agentbus.cli.AgentbusCli;
import agentbus.contract.Contract;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestBus;
import agentbus.harness.TestDatabase;
import agentbus.imports.ImportOpenclawCronsCommand;
import agentbus.start.InstalledRoutes;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * docs/guide/connect-openclaw.md from its beginning to its end, for an OpenClaw that already has an agent, a model, an
 * operator token, crons, and comments in its configuration.
 */
@Tag("real-gateway")
@EnabledIfSystemProperty(named = "openclaw.walk", matches = "true", disabledReason = "takes too long for CI")
@ExtendWith(PostgresExtension.class)
class OwnOpenclawTest {
    private static final String TOKEN = "operator-token-of-ann";

    /** The user's configuration: the port, the log, the workspace and the model's address are inserted. */
    private static final String OWN =
            """
            // Ann's gateway. The comments are hers.
            {
              $schema: "https://example.org/openclaw.schema.json",
              gateway: {
                mode: "local",
                port: %d, // not the usual one
                bind: "loopback",
                auth: { mode: "token", token: "%s" },
              },
              logging: { file: "%s" },
              agents: {
                defaults: {
                  workspace: "%s",
                  skipBootstrap: true,
                  model: { primary: "own/first" },
                },
              },
              models: {
                mode: "replace",
                providers: {
                  own: {
                    baseUrl: "%s", apiKey: "none", api: "openai-completions",
                    models: [{ id: "first", name: "First", reasoning: false, input: ["text"],
                      contextWindow: 128000, maxTokens: 4096 }],
                  },
                },
              },
            }
            """;

    @TempDir
    Path home;

    private Path state;
    private Path workspace;
    private ScriptedModel model;
    private RealGateway gateway;

    @Test
    void an_openclaw_keeps_what_is_its_own_beside_the_fleet_and_is_as_before_without_it(TestDatabase database)
            throws Exception {
        database.clear();
        state = Files.createDirectories(home.resolve("openclaw"));
        workspace = Files.createDirectories(home.resolve("anns-workspace"));
        Path config = state.resolve("openclaw.json");
        CountDownLatch never = new CountDownLatch(1);
        try (ScriptedModel scripted = new ScriptedModel(told ->
                        told.agent().equals("research") ? new Move.Think(never, Move.complete()) : Move.complete());
                RealGateway own = new RealGateway(state, "own", "", "")) {
            model = scripted;
            gateway = own;
            String before = OWN.formatted(gateway.port(), TOKEN, gateway.log() + ".json", workspace, model.baseUrl());
            Files.writeString(config, before);
            gateway.start();
            talkWithMain();
            addCrons();
            JsonNode crons = crons();
            gateway.kill();

            int port = freePort();
            String said = gateway.installer("--bus", "http://127.0.0.1:" + port);
            assertTrue(said.startsWith("0 ") && said.contains("implicit agent main"), said);
            assertTrue(said.contains("has its own auth settings"), said);
            assertEquals(before, Files.readString(config));
            Path secrets = state.resolve("secrets");
            Files.writeString(secrets.resolve("gateway-token"), TOKEN);
            String beside = withFleet(before);
            Files.writeString(config, beside);
            gateway.variable("OPENCLAW_GATEWAY_TOKEN", TOKEN);
            gateway.variable("AGENTBUS_HOOK_TOKEN", Files.readString(secrets.resolve("hook-token")));
            String valid = gateway.openclaw("config", "validate");
            assertTrue(valid.contains("Config valid"), valid);

            try (TestBus bus = TestBus.start(
                    database,
                    null,
                    home,
                    "agentbus.http.port",
                    String.valueOf(port),
                    "agentbus.gateway.url",
                    gateway.url(),
                    "agentbus.gateway.token-file",
                    secrets.resolve("hook-token").toString(),
                    "agentbus.gateway.operator-token-file",
                    secrets.resolve("gateway-token").toString(),
                    "agentbus.gateway.health-seconds",
                    "1")) {
                Files.writeString(
                        secrets.resolve("report-token"),
                        call(bus, "/v1/gateways/default/token", "")
                                .path("token")
                                .asText());
                gateway.start();
                theFleetWorks(database, bus);
            }
            talkWithMain();
            assertEquals(crons, crons());
            importAndSwitchOff(crons);
            assertEquals(beside, Files.readString(config), "OpenClaw has not written into the user's file");

            said = gateway.installer("--uninstall");
            assertTrue(said.startsWith("2 ") && said.contains("remove that line first"), said);
            gateway.kill();
            Files.writeString(config, before);
            said = gateway.installer("--uninstall");
            assertTrue(said.startsWith("0 ") && said.contains(" removed, 0 kept"), said);
            gateway.start();
            talkWithMain();
            JsonNode agents = json(gateway.openclaw("agents", "list", "--json"));
            assertEquals(List.of("main"), agents.findValuesAsText("id"));
            assertEquals(before, Files.readString(config));
        }
    }

    /** Makes a turn with the user's own agent, which has the user's workspace and model. */
    private void talkWithMain() throws Exception {
        int chats = model.chats().size();
        gateway.openclaw("agent", "--agent", "main", "--message", "hello", "--json");
        assertTrue(
                model.chats().stream()
                        .skip(chats)
                        .anyMatch(request -> request.path("model").asText().equals("first")
                                && request.path("messages").toString().contains(workspace.toString())),
                "main has its own model and workspace");
    }

    private void addCrons() throws Exception {
        gateway.openclaw(
                "cron",
                "add",
                "--name",
                "Morning brief",
                "--cron",
                "0 7 * * 1-5",
                "--tz",
                "Europe/Berlin",
                "--session",
                "isolated",
                "--message",
                "Write the brief.",
                "--no-deliver");
        gateway.openclaw(
                "cron",
                "add",
                "--name",
                "Ann's \"odd\" {{one}} \u00fcn\u00ef",
                "--cron",
                "3 4 * * *",
                "--session",
                "isolated",
                "--message",
                "Look at {{this}}.",
                "--tools",
                "read",
                "--no-deliver");
        gateway.openclaw(
                "cron",
                "add",
                "--name",
                "Nightly",
                "--every",
                "12h",
                "--session",
                "isolated",
                "--message",
                "Check the log.",
                "--no-deliver",
                "--disabled");
    }

    /** The user's crons: what each does and when, whether it is on, and the agent that runs it. */
    private JsonNode crons() throws Exception {
        Map<String, Object> crons = new LinkedHashMap<>();
        for (JsonNode cron : json(exported()).path("jobs")) {
            if (cron.path("declarationKey").isMissingNode()) {
                crons.put(
                        cron.path("id").asText(),
                        List.of(
                                cron.path("name"),
                                cron.path("enabled"),
                                cron.path("schedule"),
                                cron.path("payload"),
                                cron.path("effectiveAgentId")));
            }
        }
        assertEquals(3, crons.size(), crons::toString);
        return Json.tree(crons);
    }

    private String exported() throws Exception {
        return gateway.openclaw("cron", "list", "--all", "--json");
    }

    /** The guide's edit of the user's file: the line that includes the fleet, and the entry of the agent main. */
    private String withFleet(String own) {
        String edited = own.replaceFirst("\\{\n", "{\n  \\$include: \"./openclaw.json.agentbus-new\",\n")
                .replaceFirst(
                        "    },\n  },\n  models",
                        "      systemAgent: { agentId: \"main\" },\n    },\n    entries: { main: { workspace: \""
                                + workspace + "\" } },\n  },\n  models");
        assertTrue(edited.contains("$include") && edited.contains("entries: { main"), edited);
        return edited;
    }

    /** A job is done, and the user's own operator token stops the run of a cancelled one. */
    private void theFleetWorks(TestDatabase database, TestBus bus) throws Exception {
        RealFleet.waiting("the gateway has reported its start")
                .until(() -> database.jdbc()
                                .queryForObject(
                                        "select count(*) from gateways where gateway = 'default' and state = 'ready'"
                                                + " and boot_id is not null and held_until is null",
                                        Long.class)
                        == 1);
        UUID job = enqueue(bus, "devops", "infra.check");
        RealFleet.waiting("the job is done").until(() -> state(database, job), "succeeded"::equals);

        UUID cancelled = enqueue(bus, "research", "research.packet");
        RealFleet.waiting("the model thinks about it").until(() -> model.thinking() == 1);
        RealFleet.waiting("the bus knows the run").until(() -> state(database, cancelled), "running"::equals);
        call(bus, "/v1/jobs/" + cancelled + "/cancel", "{\"reason\": \"not needed\"}");
        RealFleet.waiting("the run was stopped").until(() -> database.jdbc()
                .queryForList(
                        "select outcome from run_aborts join job_attempts using (attempt_id)"
                                + " where job_id = ? and done_at is not null",
                        String.class,
                        cancelled)
                .equals(List.of("aborted")));
    }

    /** The import keeps its promises, and only the printed command switches a cron off. */
    private void importAndSwitchOff(JsonNode before) throws Exception {
        Path file = Files.writeString(home.resolve("crons.json"), exported());
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        PrintStream shown = new PrintStream(bytes, true, StandardCharsets.UTF_8);
        ImportOpenclawCronsCommand command = new ImportOpenclawCronsCommand(
                InputStream.nullInputStream(),
                shown,
                () -> new InstalledRoutes(
                        home,
                        Map.of(
                                "AGENTBUS_AGENTS_DIR",
                                Path.of("agents").toAbsolutePath().toString())));
        int exit = new AgentbusCli(
                        Contract.load(),
                        Map.of(
                                "import-openclaw-crons",
                                AddedCommand.annotated(ImportOpenclawCronsCommand.SUMMARY, () -> command)))
                .execute(
                        new String[] {
                            "import-openclaw-crons", file.toString(), "--zone", "UTC", "--map-agent", "main=coordinator"
                        },
                        InputStream.nullInputStream(),
                        shown,
                        shown,
                        Map.of());
        String said = bytes.toString(StandardCharsets.UTF_8);
        assertEquals(0, exit, said);
        assertTrue(said.contains("it ran as main; now it runs as coordinator"), said);
        assertTrue(said.contains("it may use only the tools read"), said);
        assertTrue(said.contains("Nightly: left out\n  it is disabled"), said);
        assertTrue(said.contains("1 standing orders written"), said);
        assertEquals(before, crons(), "the import switches nothing off");

        List<String> off = said.lines()
                .filter(line -> line.startsWith("  openclaw cron disable "))
                .map(line -> line.substring(line.lastIndexOf(' ') + 1))
                .toList();
        assertEquals(1, off.size(), said);
        gateway.openclaw("cron", "disable", off.get(0));
        JsonNode after = crons();
        for (Map.Entry<String, JsonNode> cron : before.properties()) {
            assertEquals(
                    cron.getValue().get(1).asBoolean() && !cron.getKey().equals(off.get(0)),
                    after.get(cron.getKey()).get(1).asBoolean(),
                    cron::toString);
        }
    }

    private static UUID enqueue(TestBus bus, String agent, String subject) throws Exception {
        String body =
                Json.object().put("targetAgent", agent).put("subject", subject).toString();
        return UUID.fromString(
                call(bus, "/v1/jobs", body).path("job").path("jobId").asText());
    }

    private static String state(TestDatabase database, UUID job) {
        return database.jdbc().queryForObject("select state from jobs where job_id = ?", String.class, job);
    }

    private static JsonNode call(TestBus bus, String path, String body) throws Exception {
        var answer = bus.call("POST", path, bus.operatorToken(), body.isEmpty() ? null : body);
        assertEquals(2, answer.statusCode() / 100, answer::body);
        return Json.read(answer.body());
    }

    private static JsonNode json(String printed) throws IOException {
        return Json.read(printed);
    }

    private static int freePort() throws IOException {
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return free.getLocalPort();
        }
    }
}
