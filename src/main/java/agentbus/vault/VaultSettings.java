package agentbus.vault;

import agentbus.settings.Settings;
import java.nio.file.Path;

/** The settings of the vault. */
final class VaultSettings {
    private VaultSettings() {}

    /** The folder of the nightly export, and of commands that name none. */
    static Path directory(Settings settings) {
        return settings.path("agentbus.vault.directory").orElse(settings.home());
    }

    /** The namespace that the vault shows. */
    static String namespace(Settings settings) {
        String own = settings.text("agentbus.vault.namespace");
        return own.isEmpty() ? settings.text("agentbus.namespace") : own;
    }

    /** {@code shared}, or {@code role} to show the memories of roles too. */
    static String visibility(Settings settings) {
        return settings.text("agentbus.vault.visibility");
    }
}
