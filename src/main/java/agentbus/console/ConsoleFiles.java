package agentbus.console;

import agentbus.contract.Contract;
import agentbus.contract.Operation;
import agentbus.settings.ProgramFiles;
import agentbus.text.Json;
import agentbus.text.Sha256;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * All files of the console, read once into memory: a request can name one of them and nothing else. The path of a file
 * holds a hash of all files, so that a browser may keep each one for ever.
 */
final class ConsoleFiles {
    /** The folder of the console's own files on the class path. */
    static final String FOLDER = "console/";

    private static final String PAGE = "index.html";
    private static final String WEBJARS = "META-INF/resources/webjars/";

    /** The libraries: the script that the console imports, and the path on the class path, with the version of the pom. */
    private static final Map<String, String> LIBRARIES = Map.of(
            "preact.js", WEBJARS + "preact/10.28.0/dist/preact.mjs",
            "preact-hooks.js", WEBJARS + "preact/10.28.0/hooks/dist/hooks.mjs",
            "htm.js", "META-INF/resources/_static/htm/3.1.1/dist/htm.mjs");

    /** The table of all operations, which the page calls; a module, so that no call has to wait for it. */
    private static final String OPERATIONS = "operations.js";

    /** The only inline code that the page may have, which its hash allows: the questions that wait for no file. */
    private static final Pattern INLINE = Pattern.compile("<script>(.*?)</script>", Pattern.DOTALL);

    private static final String VERSION = "@version@";

    /** The scripts of the first page, which is Needs me; they are joined. */
    private static final List<String> START = List.of("page-needs-me.js", "app.js");

    private final String version;
    private final Map<String, ConsoleFile> files = new TreeMap<>();
    private final ConsoleFile page;
    private final String policy;

    /**
     * Reads the files.
     *
     * @param program holds them
     * @param contract the operations that the page may call
     * @throws IllegalStateException when the page or a library is missing
     */
    ConsoleFiles(ProgramFiles program, Contract contract) {
        Map<String, byte[]> contents = new TreeMap<>();
        for (String name : program.names(FOLDER)) {
            program.bytes(name).ifPresent(bytes -> contents.put(name.substring(FOLDER.length()), bytes));
        }
        LIBRARIES.forEach((name, path) -> contents.put(name, library(program, path)));
        contents.put(OPERATIONS, operations(contract));
        join(contents);
        byte[] template = contents.remove(PAGE);
        if (template == null) {
            throw new IllegalStateException(FOLDER + PAGE + " is not among the files of the program");
        }
        version = version(contents, template);
        contents.forEach((name, bytes) -> files.put(name, ConsoleFile.of(name, bytes)));
        String html = new String(template, StandardCharsets.UTF_8).replace(VERSION, version);
        page = ConsoleFile.of(PAGE, html.getBytes(StandardCharsets.UTF_8));
        policy = policy(html);
    }

    /**
     * The page.
     *
     * @return index.html, with the version in place of {@code @version@}
     */
    ConsoleFile page() {
        return page;
    }

    /** The hash of all files, which is the folder of their paths. */
    String version() {
        return version;
    }

    /** The Content-Security-Policy of the page. */
    String policy() {
        return policy;
    }

    /**
     * Finds a file by its path.
     *
     * @param path the path below {@code /console/}: the version, a slash and the file's name
     * @return the file; empty for another version or an unknown file
     */
    Optional<ConsoleFile> find(String path) {
        String prefix = version + "/";
        return path.startsWith(prefix)
                ? Optional.ofNullable(files.get(path.substring(prefix.length())))
                : Optional.empty();
    }

    /** Replaces the scripts by those that the browser loads. The joined ones stay, for the tools that follow the source map. */
    private static void join(Map<String, byte[]> contents) {
        Map<String, String> scripts = new TreeMap<>();
        contents.forEach((name, bytes) -> {
            if (name.endsWith(".js")) {
                scripts.put(name, new String(bytes, StandardCharsets.UTF_8));
            }
        });
        new JoinedScripts(scripts, START)
                .files()
                .forEach((name, text) -> contents.put(name, text.getBytes(StandardCharsets.UTF_8)));
    }

    /** A library in the form of a script of the console, in which imports and exports begin a line and have names. */
    private static byte[] library(ProgramFiles program, String path) {
        byte[] library = program.bytes(path)
                .orElseThrow(
                        () -> new IllegalStateException(path + " is not on the class path; the pom names its version"));
        return new String(library, StandardCharsets.UTF_8)
                .replaceAll("import\\{([^}]*)}from\"preact\";", "import { $1 } from \"./preact.js\";\n")
                .replaceAll("export\\{([^}]*)};", "\nexport { $1 };")
                .replaceAll("export default function\\(", "\nexport default function htm(")
                .getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] operations(Contract contract) {
        ObjectNode all = Json.object();
        for (Operation operation : contract.operations()) {
            all.putObject(operation.id())
                    .put("method", operation.method())
                    .put("path", operation.path())
                    .put("group", operation.group());
        }
        return ("export const operations = " + all + ";\n").getBytes(StandardCharsets.UTF_8);
    }

    private static String version(Map<String, byte[]> contents, byte[] template) {
        StringBuilder all = new StringBuilder(Sha256.hex(template));
        contents.forEach((name, bytes) -> all.append(name).append(Sha256.hex(bytes)));
        return Sha256.hex(all.toString()).substring(0, ConsoleFile.HASH_LENGTH);
    }

    /** Only own files, no inline code but the first questions, no frames, no other host, and no HTML made from text. */
    private static String policy(String html) {
        StringBuilder scripts = new StringBuilder("script-src 'self'");
        Matcher inline = INLINE.matcher(html);
        while (inline.find()) {
            scripts.append(" 'sha256-").append(hash(inline.group(1))).append('\'');
        }
        return String.join(
                "; ",
                "default-src 'none'",
                scripts,
                "style-src 'self'",
                "img-src 'self'",
                "manifest-src 'self'",
                "connect-src 'self'",
                "form-action 'none'",
                "base-uri 'none'",
                "frame-ancestors 'none'",
                "require-trusted-types-for 'script'",
                "trusted-types 'none'");
    }

    private static String hash(String script) {
        return Base64.getEncoder().encodeToString(Sha256.of(script));
    }
}
