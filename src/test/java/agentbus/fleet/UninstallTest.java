package agentbus.fleet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** agents/install.sh --uninstall. */
class UninstallTest extends InstallScript {
    @Test
    void an_uninstall_removes_what_was_installed_and_keeps_what_people_and_agents_have_written() throws Exception {
        add("auditor");
        String own = "{\n  // mine\n  gateway: { port: 18789 },\n}\n";
        Files.createDirectories(home);
        Files.writeString(home.resolve("openclaw.json"), own);
        install();
        Files.writeString(home.resolve("workspaces/devops/AGENTS.md"), "my own rules\n");
        Files.writeString(home.resolve("workspaces/auditor/audits/week.md"), "by the agent\n");
        Map<String, String> before = everything();

        Run dry = install("--uninstall", "--dry-run");
        assertEquals(0, dry.exit(), dry.err());
        assertTrue(dry.out().contains("would remove   openclaw.json.agentbus-new"), dry.out());
        assertEquals(before, everything());

        Run run = install("--uninstall");
        assertEquals(0, run.exit(), run.err());
        assertTrue(run.out().contains("kept           workspaces/devops/AGENTS.md (changed"), run.out());
        assertEquals(own, text(home.resolve("openclaw.json")));
        try (Stream<Path> left = Files.walk(home).filter(Files::isRegularFile)) {
            assertEquals(
                    List.of(
                            ".agentbus-manifest",
                            "openclaw.json",
                            "secrets/gateway-token",
                            "secrets/hook-token",
                            "secrets/report-token",
                            "workspaces/auditor/audits/week.md",
                            "workspaces/devops/AGENTS.md"),
                    left.map(path -> home.relativize(path).toString()).sorted().toList());
        }
        assertFalse(Files.exists(home.resolve("workspaces/security")), "a folder that is empty goes");

        Files.delete(home.resolve("workspaces/devops/AGENTS.md"));
        install("--uninstall");
        assertError(install("--uninstall"), ".agentbus-manifest is missing");
        assertTrue(install().out().contains("new            workspaces/devops/AGENTS.md"));
    }

    @Test
    void an_uninstall_does_not_take_away_a_file_that_the_configuration_includes() throws Exception {
        Files.createDirectories(home);
        Files.writeString(
                home.resolve("openclaw.json"), "{\n  $include: \"./openclaw.json.agentbus-new\",\n  mine: true,\n}\n");
        install();
        Map<String, String> before = everything();

        assertError(install("--uninstall"), "remove that line first");
        assertEquals(before, everything());

        Files.writeString(
                home.resolve("openclaw.json"),
                "{\n  // $include: \"./openclaw.json.agentbus-new\",\n  mine: true,\n}\n");
        assertEquals(0, install("--uninstall").exit());
    }

    @Test
    void an_uninstall_keeps_the_empty_folders_that_people_and_agents_have_made() throws Exception {
        install();
        // A git repository whose refs are packed: git knows it by the empty folder refs.
        Path heads = Files.createDirectories(home.resolve("workspaces/devops/repos/website/.git/refs/heads"));
        Files.writeString(heads.resolve("../../packed-refs"), "# pack-refs with: peeled fully-peeled sorted\n");
        Path drafts = Files.createDirectories(home.resolve("workspaces/security/drafts"));
        assertTrue(Files.isDirectory(home.resolve("workspaces/devops/runbooks")));

        assertEquals(0, install("--uninstall").exit());
        assertTrue(Files.isDirectory(heads));
        assertTrue(Files.isDirectory(drafts));
        assertFalse(Files.exists(home.resolve("workspaces/devops/runbooks")), "an installed folder that is empty goes");
        assertFalse(Files.exists(home.resolve("workspaces/devops/skills")), "an installed folder that is empty goes");
        assertFalse(Files.exists(home.resolve("agentbus-plugin")), "an installed folder that is empty goes");
    }

    @Test
    void an_uninstall_refuses_while_a_changed_configuration_names_the_plugin() throws Exception {
        install();
        Path config = home.resolve("openclaw.json");
        String installed = text(config);
        Files.writeString(config, installed.replaceFirst("\\{", "{\n  // with my model"));
        Map<String, String> before = everything();
        assertError(install("--uninstall"), "names agentbus-plugin in plugins.load.paths");
        assertEquals(before, everything());

        Files.writeString(config, "{ plugins: { load: { paths: ['" + home + "/agentbus-plugin'] } } }\n");
        assertError(install("--uninstall"), "names agentbus-plugin in plugins.load.paths");

        Files.writeString(config, installed);
        assertEquals(0, install("--uninstall").exit());
        assertFalse(Files.exists(config), "the installed configuration goes with the plugin");
    }

    @Test
    void an_uninstall_refuses_a_configuration_that_it_cannot_read() throws Exception {
        install();
        Path config = home.resolve("openclaw.json");
        Files.delete(config);
        Files.createSymbolicLink(config, home.resolve("not-mounted/openclaw.json"));
        assertError(install("--uninstall"), "openclaw.json cannot be read");
        assertTrue(Files.exists(home.resolve("agentbus-plugin/index.js")));
    }
}
