package agentbus;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The libraries of a call of the command line, as the build names them in the manifest of the program's jar. */
final class CallLibraries {
    private static final Pattern LIST = Pattern.compile("<calls.libraries>(.*)</calls.libraries>");
    private static final Pattern JAR = Pattern.compile("([^/]+?)-[0-9][^/]*[.]jar");

    private CallLibraries() {}

    /** Their names, without versions. */
    static Set<String> names() {
        try {
            return LIST.matcher(Files.readString(Path.of("pom.xml")))
                    .results()
                    .map(list -> Set.of(list.group(1).split("[|]")))
                    .findFirst()
                    .orElseThrow();
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    /** The library whose jar a path or an address names; none if there is no jar in it. */
    static Optional<String> nameIn(String place) {
        Matcher jar = JAR.matcher(place);
        return jar.find() ? Optional.of(jar.group(1)) : Optional.empty();
    }
}
