package agentbus.vault;

import agentbus.settings.StartFailure;
import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.UUID;

/**
 * The file by which a folder names its vault, so that no bus writes into the vault of another.
 *
 * @param vaultId the row of {@code vaults}
 * @param namespace the namespace that it shows
 */
record Marker(UUID vaultId, String namespace) {
    /** The name of the file. */
    static final String FILE = ".agentbus-vault.json";

    /**
     * Reads the file.
     *
     * @param text its text
     * @param folder the folder, for the failure
     * @return what it says
     * @throws StartFailure when it is not what a bus has written
     */
    static Marker read(String text, Object folder) {
        try {
            JsonNode json = Json.read(text);
            return new Marker(
                    UUID.fromString(json.path("vaultId").asText()),
                    json.path("namespace").asText());
        } catch (JsonProcessingException | IllegalArgumentException broken) {
            throw new StartFailure(
                    folder + "/" + FILE + " is broken: it must be {\"vaultId\": \"<uuid>\", \"namespace\": \"<name>\"}."
                            + " Take it from a backup of the folder, or export into a new folder",
                    broken);
        }
    }

    /** What stands in the file. */
    String text() {
        return Json.object().put("vaultId", vaultId.toString()).put("namespace", namespace) + "\n";
    }
}
