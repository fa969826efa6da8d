package agentbus.settings;

import java.io.IOException;
import java.io.InputStream;
import java.util.Optional;
import java.util.Properties;
import java.util.stream.Stream;

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
     * The commit of the sources, if the build knows it.
     *
     * @return such as {@code 1a2b3c4}, with {@code -dirty} after it if the sources were changed; empty if unknown
     */
    public static Optional<String> commit() {
        return commit(resource());
    }

    /**
     * The version with the commit of its sources, if the build knows it.
     *
     * @return such as {@code 1.0.0 (commit 1a2b3c4)}
     */
    public static String withCommit() {
        return read() + commit().map(commit -> " (commit " + commit + ")").orElse("");
    }

    static Optional<String> commit(Properties properties) {
        // Where git has told no commit, the two values are a placeholder or an error of git.
        return Stream.of("commit", "archive")
                .map(key -> properties.getProperty(key, ""))
                .filter(commit -> commit.matches("[0-9a-f]{4,40}(-dirty)?"))
                .findFirst();
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
