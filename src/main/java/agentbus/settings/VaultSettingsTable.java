package agentbus.settings;

import java.util.List;

/** The settings of the vault, a part of {@link SettingsTable}. */
final class VaultSettingsTable {
    static final List<Setting> ALL = List.of(
            new Setting(
                    "agentbus.vault.enabled",
                    Kind.words("true", "false"),
                    "true",
                    "",
                    "Whether this node writes and verifies the vault at night, once agentbus.phase is 5. With several"
                            + " nodes, leave it on at one of them. The commands export-vault and verify-vault work either"
                            + " way."),
            new Setting(
                    "agentbus.vault.directory",
                    Kind.path("a directory"),
                    "vault",
                    "",
                    "The folder of Markdown that the bus writes. Relative to the home directory; made when it does not"
                            + " exist. A folder with other files in it is refused."),
            new Setting(
                    "agentbus.vault.namespace",
                    Kind.name(),
                    "",
                    "that of agentbus.namespace",
                    "The namespace that the vault shows."),
            new Setting(
                    "agentbus.vault.visibility",
                    Kind.words("shared", "role"),
                    "shared",
                    "",
                    "Which memories the vault shows: shared ones, or with role also those of the role of an agent. Private"
                            + " memories are never written."),
            new Setting(
                    "agentbus.vault.cron",
                    Kind.cron(),
                    "0 30 4 * * ?",
                    "",
                    "When this node writes the vault, in UTC. The default is 4:30 each night."),
            new Setting(
                    "agentbus.vault.verify-cron",
                    Kind.cron(),
                    "0 0 5 * * ?",
                    "",
                    "When this node compares the vault with the database, in UTC. The default is 5:00 each night."));

    private VaultSettingsTable() {}
}
