package agentbus.start;

import agentbus.beans.Beans;
import agentbus.beans.PackageBeans;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.JarFile;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;

/**
 * Finds the bean classes of all packages by the names of their class files. Camel's own scan would load every class to
 * check its type, which would double the classes that a start loads.
 */
final class PackageScan {
    private static final Pattern BEANS = Pattern.compile("agentbus/[^/]+/[^/]+Beans[.]class");
    private static final int DEPTH = 3;

    private PackageScan() {}

    /**
     * Lets every package bind its beans.
     *
     * @param beans receives the beans
     */
    static void bindAll(Beans beans) {
        // Sorted by name, so that every start binds in the same order.
        for (String file : files()) {
            String name = file.substring(0, file.length() - ".class".length()).replace('/', '.');
            try {
                Class<?> found = Class.forName(name);
                if (PackageBeans.class.isAssignableFrom(found) && !found.isInterface()) {
                    ((PackageBeans) found.getConstructor().newInstance()).bind(beans);
                }
            } catch (ReflectiveOperationException wrong) {
                throw new IllegalStateException(name + " needs a public constructor without arguments", wrong);
            }
        }
    }

    private static List<String> files() {
        URI own = location();
        Path place = Path.of(own);
        try {
            return Files.isDirectory(place) ? inDirectory(place) : inJar(place);
        } catch (IOException unreadable) {
            throw new UncheckedIOException(own + " cannot be read", unreadable);
        }
    }

    private static URI location() {
        try {
            return PackageScan.class
                    .getProtectionDomain()
                    .getCodeSource()
                    .getLocation()
                    .toURI();
        } catch (URISyntaxException impossible) {
            throw new IllegalStateException("the JVM does not give such a location", impossible);
        }
    }

    private static List<String> inDirectory(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory.resolve("agentbus"), DEPTH - 1)) {
            return named(files.map(file -> directory.relativize(file).toString().replace('\\', '/')));
        }
    }

    private static List<String> inJar(Path file) throws IOException {
        try (JarFile jar = new JarFile(file.toFile())) {
            return named(jar.stream().map(ZipEntry::getName));
        }
    }

    private static List<String> named(Stream<String> files) {
        return files.filter(file -> BEANS.matcher(file).matches()).sorted().toList();
    }
}
