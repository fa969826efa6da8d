package agentbus.fleet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** agents/install.sh, run from a copy of the files that it installs. */
class InstallTest extends InstallScript {

    private static final String NOTHING = "Nothing to do: ";

    @Test
    void a_fresh_home_gets_workspaces_skill_plugin_configuration_and_secrets() throws Exception {
        List<String> fleet = new AgentFiles(Path.of("agents")).read().findValuesAsText("id");
        for (String agent : fleet) {
            add(agent);
        }
        Run run = install();
        assertEquals(0, run.exit(), run.err());
        assertEquals("", run.err());
        for (String agent : fleet) {
            Path workspace = home.resolve("workspaces").resolve(agent);
            for (String file : List.of("AGENTS.md", "HEARTBEAT.md", "MEMORY.md")) {
                assertEquals(text(Path.of("agents", agent, file)), text(workspace.resolve(file)));
            }
            for (String folder : Files.readAllLines(Path.of("agents", agent, "folders.txt"))) {
                assertTrue(Files.isDirectory(workspace.resolve(folder)), folder);
            }
            assertEquals(
                    text(Path.of("gateway/skills/agentbus/SKILL.md")),
                    text(workspace.resolve("skills/agentbus/SKILL.md")));
        }
        assertEquals(
                text(Path.of("gateway/plugin/openclaw.plugin.json")),
                text(home.resolve("agentbus-plugin/openclaw.plugin.json")));
        String config = text(home.resolve("openclaw.json"));
        assertTrue(config.contains("\"" + home + "/workspaces/devops\""), config);
        assertTrue(config.contains("\"http://127.0.0.1:8080/mcp\""), config);
        assertFalse(config.contains("__OPENCLAW_HOME__") || config.contains("__BUS_URL__"), config);
    }

    @Test
    void own_agents_beside_a_release_are_installed_with_its_skill_and_plugin() throws Exception {
        Path own = temp.resolve("own agents");
        copy(repository.resolve("agents/devops"), own.resolve("devops"));
        Files.copy(repository.resolve("agents/openclaw.json5"), own.resolve("openclaw.json5"));
        Files.writeString(own.resolve("devops/AGENTS.md"), "my own rules\n");
        Run run = install("--agents", own.toString());
        assertEquals(0, run.exit(), run.err());
        assertEquals("my own rules\n", text(home.resolve("workspaces/devops/AGENTS.md")));
        assertFalse(Files.exists(home.resolve("workspaces/security")));
        assertTrue(Files.exists(home.resolve("workspaces/devops/skills/agentbus/SKILL.md")));
        assertTrue(Files.exists(home.resolve("agentbus-plugin/openclaw.plugin.json")));

        assertError(install("--agents", "nowhere"), "--agents is 'nowhere', and there is no such directory");
    }

    @Test
    void the_secrets_are_random_private_and_never_printed() throws Exception {
        Run run = install();
        String hook = text(home.resolve("secrets/hook-token"));
        String gateway = text(home.resolve("secrets/gateway-token"));
        assertTrue(hook.matches("[0-9a-f]{64}"));
        assertTrue(gateway.matches("[0-9a-f]{64}"));
        assertFalse(hook.equals(gateway));
        assertFalse(run.out().contains(hook) || run.out().contains(gateway));
        assertEquals("", text(home.resolve("secrets/report-token")));
        for (String secret : List.of("hook-token", "gateway-token", "report-token")) {
            assertEquals("rw-------", mode(home.resolve("secrets").resolve(secret)), secret);
        }
        assertEquals("rwx------", mode(home.resolve("secrets")));
        assertTrue(run.out().contains("./agentbus issue-gateway-token default"), run.out());
    }

    @Test
    void a_second_run_changes_nothing_and_says_so() throws Exception {
        install();
        Files.writeString(home.resolve("secrets/report-token"), "abg_by-the-operator");
        Map<String, String> before = everything();
        Run run = install();
        assertEquals(0, run.exit(), run.err());
        assertTrue(run.out().contains(NOTHING), run.out());
        assertEquals(before, everything());
    }

    @Test
    void a_changed_file_is_kept_and_the_new_one_stands_beside_it() throws Exception {
        install();
        Path agents = home.resolve("workspaces/devops/AGENTS.md");
        Files.writeString(agents, "my own rules\n");
        Files.writeString(repository.resolve("agents/devops/AGENTS.md"), "the next version\n");
        Run run = install();
        assertEquals(0, run.exit(), run.err());
        assertEquals("my own rules\n", text(agents));
        assertEquals("the next version\n", text(home.resolve("workspaces/devops/AGENTS.md.agentbus-new")));
        assertTrue(run.out().contains("kept           workspaces/devops/AGENTS.md ("), run.out());

        Map<String, String> before = everything();
        Run again = install();
        assertTrue(again.out().contains(NOTHING) && again.out().contains("1 kept"), again.out());
        assertEquals(before, everything());
    }

    @Test
    void the_version_beside_goes_when_the_file_has_become_it() throws Exception {
        install();
        Path agents = home.resolve("workspaces/devops/AGENTS.md");
        Files.writeString(agents, "my own rules\n");
        install();
        Path beside = home.resolve("workspaces/devops/AGENTS.md.agentbus-new");
        Files.copy(beside, agents, StandardCopyOption.REPLACE_EXISTING);
        Run run = install();
        assertFalse(Files.exists(beside), run.out());
        assertTrue(install().out().contains(NOTHING));
    }

    @Test
    void an_unchanged_file_is_upgraded() throws Exception {
        install();
        Files.writeString(repository.resolve("agents/devops/AGENTS.md"), "the next version\n");
        Run run = install();
        assertEquals("the next version\n", text(home.resolve("workspaces/devops/AGENTS.md")));
        assertFalse(Files.exists(home.resolve("workspaces/devops/AGENTS.md.agentbus-new")));
        assertTrue(run.out().contains("upgraded       workspaces/devops/AGENTS.md"), run.out());
        assertTrue(install().out().contains(NOTHING));
    }

    @Test
    void a_changed_file_stays_kept_over_several_versions() throws Exception {
        install();
        Path agents = home.resolve("workspaces/devops/AGENTS.md");
        Files.writeString(agents, "my own rules\n");
        for (String version : List.of("two\n", "three\n")) {
            Files.writeString(repository.resolve("agents/devops/AGENTS.md"), version);
            install();
            assertEquals("my own rules\n", text(agents));
            assertEquals(version, text(home.resolve("workspaces/devops/AGENTS.md.agentbus-new")));
        }
    }

    @Test
    void the_version_beside_is_not_overwritten_either_once_somebody_has_worked_on_it() throws Exception {
        install();
        Files.writeString(home.resolve("workspaces/devops/AGENTS.md"), "my own rules\n");
        install();
        Path beside = home.resolve("workspaces/devops/AGENTS.md.agentbus-new");
        Files.writeString(beside, "half merged\n");
        Files.writeString(repository.resolve("agents/devops/AGENTS.md"), "the next version\n");
        Run run = install();
        assertEquals("half merged\n", text(beside));
        assertTrue(run.out().contains("neither is as it was installed"), run.out());
    }

    @Test
    void what_an_agent_has_remembered_is_left_alone() throws Exception {
        install();
        Path memory = home.resolve("workspaces/devops/MEMORY.md");
        Files.writeString(memory, "web-1 is slow on Mondays\n");
        assertTrue(install().out().contains(NOTHING));
        assertEquals("web-1 is slow on Mondays\n", text(memory));
        assertFalse(Files.exists(home.resolve("workspaces/devops/MEMORY.md.agentbus-new")));
    }

    @Test
    void a_configuration_that_was_there_before_is_left_and_reported() throws Exception {
        Files.createDirectories(home);
        Files.writeString(home.resolve("openclaw.json"), "{ mine: true }\n");
        Run run = install();
        assertEquals("{ mine: true }\n", text(home.resolve("openclaw.json")));
        assertTrue(text(home.resolve("openclaw.json.agentbus-new")).contains("/workspaces/devops"), run.out());
        assertTrue(run.out().contains("kept           openclaw.json ("), run.out());
    }

    @Test
    void a_configuration_without_agents_is_told_that_main_would_be_gone_and_whose_token_is_in_force() throws Exception {
        String implicit = "has no agents.entries";
        String token = "has its own auth settings";
        Files.createDirectories(home);
        Files.writeString(
                home.resolve("openclaw.json"),
                "{\n  // entries: none yet\n  gateway: { auth: { mode: \"token\", token: \"mine\" } },\n"
                        + "  plugins: { entries: { telegram: {} } },\n}\n");
        String said = install().out();
        assertTrue(said.contains(implicit) && said.contains("systemAgent: { agentId: \"main\" }"), said);
        assertTrue(said.contains(token), said);
        assertFalse(said.contains("mine\""), said);

        Files.writeString(home.resolve("secrets/gateway-token"), "mine");
        assertFalse(install().out().contains(token));
        Files.writeString(
                home.resolve("openclaw.json"), "{ \"agents\": { \"entries\": { \"main\": {} } }, auth: {} }\n");
        assertFalse(install().out().contains(implicit));
    }

    @Test
    void a_link_that_a_person_made_is_not_replaced() throws Exception {
        Path elsewhere = temp.resolve("dotfiles.md");
        Files.writeString(elsewhere, "mine\n");
        Files.createDirectories(home.resolve("workspaces/devops"));
        Path link = Files.createSymbolicLink(home.resolve("workspaces/devops/AGENTS.md"), elsewhere);
        install();
        assertTrue(Files.isSymbolicLink(link));
        assertEquals("mine\n", text(elsewhere));
    }

    @ParameterizedTest
    @CsvSource({"open claw & sons", "a|b\\1", "it's", "&&", "$HOME", "-n"})
    void a_home_may_have_any_name(String name) throws Exception {
        home = temp.resolve(name);
        Run run = install("--bus", "http://bus.local:9090/");
        assertEquals(0, run.exit(), run.err());
        String config = text(home.resolve("openclaw.json"));
        assertTrue(config.contains("\"" + home.toString().replace("\\", "\\\\") + "/workspaces/devops\""), config);
        assertTrue(config.contains("\"http://bus.local:9090/mcp\""), config);
        assertTrue(install("--bus", "http://bus.local:9090").out().contains(NOTHING));
    }

    @Test
    void a_relative_home_is_one_below_the_current_directory() throws Exception {
        Run run = run(List.of("--openclaw-home", "here"), Map.of());
        assertEquals(0, run.exit(), run.err());
        assertTrue(text(temp.resolve("here/openclaw.json")).contains(temp + "/here/workspaces/devops"));
    }

    @Test
    void without_an_option_it_is_the_users_own_home() throws Exception {
        Run run = run(List.of(), Map.of("HOME", temp.toString()));
        assertEquals(0, run.exit(), run.err());
        assertTrue(Files.exists(temp.resolve(".openclaw/workspaces/devops/AGENTS.md")));
    }

    @Test
    void a_dry_run_writes_nothing_and_says_what_it_would() throws Exception {
        Run run = install("--dry-run");
        assertEquals(0, run.exit(), run.err());
        assertFalse(Files.exists(home));
        assertTrue(run.out().contains("would write    workspaces/devops/AGENTS.md"), run.out());
        assertTrue(run.out().contains("would write    secrets/hook-token"), run.out());

        install();
        Files.writeString(home.resolve("workspaces/devops/AGENTS.md"), "mine\n");
        Files.writeString(repository.resolve("agents/security/AGENTS.md"), "the next version\n");
        Map<String, String> before = everything();
        Run second = install("--dry-run");
        assertTrue(second.out().contains("would keep     workspaces/devops/AGENTS.md"), second.out());
        assertTrue(second.out().contains("would upgrade  workspaces/security/AGENTS.md"), second.out());
        assertEquals(before, everything());
    }

    @Test
    void a_run_that_was_cut_off_is_finished_by_the_next() throws Exception {
        Files.createDirectories(home);
        Path inTheWay = home.resolve("agentbus-plugin");
        Files.writeString(inTheWay, "a file where a directory belongs");
        Run run = install();
        assertError(run, home + "/agentbus-plugin cannot be made");
        Files.delete(inTheWay);
        Files.writeString(repository.resolve("agents/devops/AGENTS.md"), "the next version\n");
        assertEquals(0, install().exit());
        assertEquals("the next version\n", text(home.resolve("workspaces/devops/AGENTS.md")));
    }

    @Test
    void a_folder_for_a_new_agent_is_laid_out_too() throws Exception {
        copy(Path.of("agents/research"), repository.resolve("agents/librarian"));
        install();
        assertTrue(Files.exists(home.resolve("workspaces/librarian/AGENTS.md")));
    }

    @Test
    void an_unknown_option_is_refused() throws Exception {
        assertError(install("--dryrun"), "there is no option '--dryrun'");
    }

    @Test
    void an_option_without_its_value_is_refused() throws Exception {
        assertError(install("--bus"), "--bus needs a URL");
        assertError(run(List.of("--openclaw-home"), Map.of()), "--openclaw-home needs a directory");
    }

    @ParameterizedTest
    @CsvSource({"localhost:8080", "ftp://a", "'http://a/\"x'", "http://a b", "http://"})
    void a_bus_that_is_no_address_is_refused(String url) throws Exception {
        assertError(install("--bus", url), "--bus is '" + url + "'");
    }

    @Test
    void a_home_that_cannot_be_written_is_refused() throws Exception {
        Files.writeString(temp.resolve("file"), "");
        home = temp.resolve("file/openclaw");
        assertError(install(), home + " cannot be made");
        assertError(install("--dry-run"), temp.resolve("file") + " is no directory");
    }

    @Test
    void a_home_that_openclaw_would_take_for_a_variable_is_refused() throws Exception {
        home = temp.resolve("${HOME}");
        assertError(install(), "--openclaw-home must not hold");
    }

    @Test
    void without_a_tool_for_sha256_it_says_which_to_install() throws Exception {
        Path tools = Files.createDirectory(temp.resolve("tools"));
        for (String directory : System.getenv("PATH").split(":")) {
            Path tool = Path.of(directory, "dirname");
            if (Files.isExecutable(tool)) {
                Files.createSymbolicLink(tools.resolve("dirname"), tool);
                break;
            }
        }
        Run run = run(List.of("--openclaw-home", home.toString()), Map.of("PATH", tools.toString()));
        assertError(run, "neither sha256sum nor shasum is found");
        assertFalse(Files.exists(home));
    }

    @Test
    void a_copy_without_the_plugin_is_refused() throws Exception {
        Files.move(repository.resolve("gateway/plugin"), temp.resolve("plugin"));
        assertError(install(), "gateway/plugin is missing");
        assertFalse(Files.exists(home));
    }
}
