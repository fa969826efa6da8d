package agentbus.settings;

import java.io.IOException;
import java.io.InputStream;
import java.util.Properties;

/** The version of the program, which the build writes into a resource. */
public final class Version {
    private static final String RESOURCE = "agentbus/version.properties";
    private static final String UNKNOWN = "unknown";

    private Version() {}

    /** The version, or "unknown" if the build has written none. */
    public static String read() {
        return resource().getProperty("version", UNKNOWN);
    }

    /**
     * The version with the commit of its sources, if the build knows it.
     *
     * @return such as {@code 1.0.0 (commit 1a2b3c4)}; a plus sign after the commit means changed sources
     */
    public static String withCommit() {
        return described(resource());
    }

    static String described(Properties properties) {
        String version = properties.getProperty("version", UNKNOWN);
        String built = properties.getProperty("commit", "");
        // The fallback is a pattern until git writes an archive.
        String commit = built.isEmpty() ? properties.getProperty("archive", "") : built;
        return commit.matches("[0-9a-f]{4,40}\\+?") ? version + " (commit " + commit + ")" : version;
    }

    private static Properties resource() {
        Properties properties = new Properties();
        try (InputStream in = Version.class.getClassLoader().getResourceAsStream(RESOURCE)) {
            if (in != null) {
                properties.load(in);
            }
        } catch (IOException unreadable) {
            return new Properties();
        }
        return properties;
    }
}
