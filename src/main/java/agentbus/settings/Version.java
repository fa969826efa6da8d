package agentbus.settings;

import java.io.IOException;
import java.io.InputStream;
import java.util.Properties;

/** The version of the program, as the build has written it down. */
public final class Version {
    private static final String RESOURCE = "agentbus/version.properties";

    private Version() {}

    /** The version, or "unknown" where the build has left none. */
    public static String read() {
        Properties properties = new Properties();
        try (InputStream in = Version.class.getClassLoader().getResourceAsStream(RESOURCE)) {
            if (in != null) {
                properties.load(in);
            }
        } catch (IOException unreadable) {
            return "unknown";
        }
        return properties.getProperty("version", "unknown");
    }
}
