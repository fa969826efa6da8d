package agentbus.backup;

import agentbus.settings.ServerKey;
import agentbus.settings.Settings;
import java.util.Map;
import java.util.Optional;

/** The server key of a restored database in words: whether it is here, and what its loss means. */
final class KeyAdvice {
    private KeyAdvice() {}

    /** What to keep beside an export. */
    static String kept(Manifest manifest) {
        return manifest.serverKeyFingerprint()
                .map(fingerprint -> "keep server.key (fingerprint " + fingerprint
                        + ") with the file: without it no bus starts on the restored database")
                .orElse("no bus has started on this database, so it has no server key yet");
    }

    /**
     * Compares the key of this installation with that of an export.
     *
     * @param manifest the export's manifest
     * @param settings name the data directory
     * @param environment may hold the key
     * @return empty if the keys are the same, or the export has none; otherwise what is wrong and what to do
     * @throws agentbus.settings.StartFailure if the key here is malformed, or others can read it
     */
    static Optional<String> wrong(Manifest manifest, Settings settings, Map<String, String> environment) {
        Optional<ServerKey> here = ServerKey.find(settings.dataDirectory(), environment);
        if (manifest.serverKeyFingerprint().isEmpty()) {
            return Optional.empty();
        }
        String fingerprint = manifest.serverKeyFingerprint().get();
        if (here.isPresent() && here.get().fingerprint().equals(fingerprint)) {
            return Optional.empty();
        }
        String found = here.isEmpty()
                ? settings.dataDirectory().resolve(ServerKey.FILE) + " is missing"
                : "the server key here has the fingerprint " + here.get().fingerprint();
        return Optional.of(found + ", and the export is of a bus with the key " + fingerprint
                + ". No bus starts on the database without that key: put the file back from its backup, with mode 600."
                + " If the key is lost, restore with --new-server-key: the tokens of attempts from before the restore"
                + " are void then, and these attempts have ended anyway; nothing else depends on the key");
    }
}
