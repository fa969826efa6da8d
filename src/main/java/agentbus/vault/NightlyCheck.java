package agentbus.vault;

import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;

/** The verification of the route {@code verify-vault}. */
public final class NightlyCheck {
    private static final String ACTOR = "route:verify-vault";

    private final VaultCheck check;
    private final Path directory;
    private final String visibility;

    /**
     * The verification of one folder.
     *
     * @param check verifies
     * @param directory the folder of the vault
     * @param visibility the visibility with which it is exported
     */
    NightlyCheck(VaultCheck check, Path directory, String visibility) {
        this.check = check;
        this.directory = directory;
        this.visibility = visibility;
    }

    /**
     * Verifies the vault.
     *
     * @return what was found, in words for the log; also when no export has made the vault yet
     * @throws agentbus.settings.StartFailure when the folder is no vault of this bus, cannot be read, or is being
     *     exported
     */
    public String verifyAtNight() {
        if (!Files.exists(directory.resolve(Marker.FILE), LinkOption.NOFOLLOW_LINKS)) {
            return "there is no vault in " + directory + " yet; the route export-vault makes it";
        }
        return VaultCheck.words(check.verify(directory, visibility, ACTOR));
    }
}
