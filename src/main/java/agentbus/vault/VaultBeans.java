package agentbus.vault;

import agentbus.beans.Beans;
import agentbus.beans.PackageBeans;
import agentbus.db.Database;
import agentbus.settings.ProgramFiles;
import agentbus.settings.Settings;

/** Binds what the routes of the vault call. */
public final class VaultBeans implements PackageBeans {
    @Override
    public void bind(Beans beans) {
        beans.bind(
                "vault",
                NightlyVault.class,
                () -> new NightlyVault(
                        beans.get(Database.class), beans.get(ProgramFiles.class), beans.get(Settings.class)));
        beans.bind("vaultCheck", NightlyCheck.class, () -> {
            Settings settings = beans.get(Settings.class);
            return new NightlyCheck(
                    new VaultCheck(beans.get(Database.class), beans.get(ProgramFiles.class)),
                    VaultSettings.directory(settings),
                    VaultSettings.visibility(settings));
        });
    }
}
