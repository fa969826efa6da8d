package agentbus.settings;

import java.io.IOException;
import java.io.InputStream;
import java.util.Properties;

/** The version of the program, which the build writes into a resource. */
public final class Version {
    private static final String RESOURCE = "agentbus/version.properties";

    private Version() {}

    /** The version, or "unknown" if the build has written none. */
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
