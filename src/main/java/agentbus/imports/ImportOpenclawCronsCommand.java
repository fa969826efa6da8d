package agentbus.imports;

import agentbus.contract.Problem;
import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLGenerator;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code agentbus import-openclaw-crons}: translates the crons of an OpenClaw into standing orders. */
@Command(
        name = "import-openclaw-crons",
        description = {
            "Write standing orders for the crons that 'openclaw cron list --json' prints; needs no running bus.",
            "A cron that cannot become an order is named, with the reason."
        },
        footer = "Example: openclaw cron list --json | agentbus import-openclaw-crons -")
public final class ImportOpenclawCronsCommand implements Callable<Integer> {
    /** Chosen: no fleet has such a large list of crons, so a larger file is a mistake. */
    private static final int MOST_BYTES = 10_000_000;

    private static final String OUTPUT = "src/main/resources/routes/phase-1-spine/orders/imported.camel.yaml";
    private static final ObjectMapper YAML = new ObjectMapper(YAMLFactory.builder()
            .disable(YAMLGenerator.Feature.WRITE_DOC_START_MARKER)
            .disable(YAMLGenerator.Feature.SPLIT_LINES)
            .enable(YAMLGenerator.Feature.LITERAL_BLOCK_STYLE)
            .enable(YAMLGenerator.Feature.INDENT_ARRAYS_WITH_INDICATOR)
            .build());

    private final PrintStream out;
    private final InputStream in;
    private final Path home;

    @Parameters(
            paramLabel = "<file>",
            description = "The output of 'openclaw cron list --json'; - reads the standard input.")
    private String file;

    @Option(
            names = "--output",
            paramLabel = "<file>",
            description = "The route file to write; " + OUTPUT + " by default, - for the standard output.")
    private String output = OUTPUT;

    @Option(names = "--force", description = "Overwrite the route file.")
    private boolean force;

    @Option(
            names = "--default-agent",
            paramLabel = "<agent>",
            description = "The agent for a cron that names none; coordinator by default.")
    private String defaultAgent = "coordinator";

    @Option(
            names = "--zone",
            paramLabel = "<zone>",
            description = "The time zone of a schedule that names none; UTC by default.")
    private String zone = "UTC";

    @Option(names = "--include-disabled", description = "Import disabled crons, too.")
    private boolean includeDisabled;

    /**
     * The command.
     *
     * @param in the standard input
     * @param out the stream for the report
     * @param home the home directory, which contains the default route file
     */
    public ImportOpenclawCronsCommand(InputStream in, PrintStream out, Path home) {
        this.in = in;
        this.out = out;
        this.home = home;
    }

    @Override
    public Integer call() throws IOException {
        boolean toStandardOutput = output.equals("-");
        Path target = toStandardOutput ? null : target();
        Set<String> names = new HashSet<>();
        List<OpenclawCron> crons = new ArrayList<>();
        for (JsonNode job : jobs()) {
            crons.add(OpenclawCron.read(job, defaultAgent, zone, includeDisabled, names));
        }
        String text = routeFile(crons);
        if (toStandardOutput) {
            out.print(text);
            return 0;
        }
        tell(crons);
        if (names.isEmpty()) {
            out.println("Nothing to write.");
            return 0;
        }
        write(target, text);
        out.println(names.size() + " standing orders written to " + target);
        out.println("Next: switch the old crons off (openclaw cron disable <id>), then start the bus;"
                + " list-standing-orders shows them.");
        return 0;
    }

    private Path target() {
        Path target = path("output", output.equals(OUTPUT) ? home : Path.of("").toAbsolutePath(), output);
        if (Files.exists(target) && !force) {
            throw wrong("output", output, "there is a file " + target + " already", "another file, or --force");
        }
        return target;
    }

    private static Path path(String option, Path from, String text) {
        try {
            return from.resolve(text).normalize();
        } catch (InvalidPathException invalid) {
            throw wrong(option, text, text + " is no path", "the path of a file");
        }
    }

    private JsonNode jobs() {
        JsonNode root;
        try {
            root = Json.read(bytes());
        } catch (JsonProcessingException malformed) {
            throw wrong("file", file, file + " is no JSON: " + malformed.getOriginalMessage(), expected());
        } catch (IOException unreadable) {
            throw wrong("file", file, file + " cannot be read: " + unreadable.getMessage(), "a file that can be read");
        }
        JsonNode jobs = root.isArray() ? root : root.path("jobs");
        if (!jobs.isArray()) {
            throw wrong("file", file, file + " holds no list of crons", expected());
        }
        for (int i = 0; i < jobs.size(); i++) {
            if (!jobs.get(i).isObject()) {
                throw wrong("jobs[" + i + "]", jobs.get(i).toString(), "jobs[" + i + "] is no object", expected());
            }
        }
        return jobs;
    }

    private static String expected() {
        return "what openclaw cron list --json prints: {\"jobs\": [{\"id\": …, \"name\": …, \"schedule\": …, \"payload\": …}]}";
    }

    private byte[] bytes() throws IOException {
        byte[] bytes;
        if (file.equals("-")) {
            bytes = in.readNBytes(MOST_BYTES + 1);
        } else {
            // Relative to the caller's working directory, as usual on a command line.
            try (InputStream content =
                    Files.newInputStream(path("file", Path.of("").toAbsolutePath(), file))) {
                bytes = content.readNBytes(MOST_BYTES + 1);
            }
        }
        if (bytes.length > MOST_BYTES) {
            throw wrong("file", file, file + " is larger than " + MOST_BYTES + " bytes", expected());
        }
        return bytes;
    }

    private static Problem wrong(String field, String value, String detail, String expected) {
        return Problem.invalidField(field, JsonNodeFactory.instance.textNode(value), detail, expected);
    }

    private static String routeFile(List<OpenclawCron> crons) throws JsonProcessingException {
        StringBuilder text = new StringBuilder(
                "# Standing orders imported from the crons of an OpenClaw. Edit them like any other;"
                        + " docs/guide/standing-orders.md\n# says what each parameter means. Switch the old crons off, or both run.\n");
        for (OpenclawCron cron : crons) {
            for (Map.Entry<String, Map<String, String>> order : cron.orders().entrySet()) {
                // The id comes from another program; a line break in it must not end the comment.
                text.append("\n# OpenClaw cron ")
                        .append(cron.id().replaceAll("[^A-Za-z0-9._:-]", "?"))
                        .append('\n');
                text.append(YAML.writeValueAsString(entry(order.getKey(), order.getValue())));
            }
        }
        return text.toString();
    }

    private static ArrayNode entry(String name, Map<String, String> parameters) {
        ArrayNode list = JsonNodeFactory.instance.arrayNode();
        ObjectNode route = list.addObject().putObject("templatedRoute");
        route.put("routeTemplateRef", "standing-order").put("routeId", name);
        ArrayNode values = route.putArray("parameters");
        parameters.forEach((key, value) -> values.addObject().put("name", key).put("value", value));
        return list;
    }

    private void tell(List<OpenclawCron> crons) {
        for (OpenclawCron cron : crons) {
            String became = cron.orders().isEmpty()
                    ? "left out"
                    : String.join(", ", cron.orders().keySet());
            out.println(line(cron.name().isEmpty() ? cron.id() : cron.name()) + ": " + became);
            cron.notes().forEach(note -> out.println("  " + line(note)));
        }
    }

    /** Makes another program's text safe for one line of a terminal. */
    private static String line(String text) {
        return text.replaceAll("\\p{Cntrl}+", " ");
    }

    private static void write(Path target, String text) throws IOException {
        Files.createDirectories(target.getParent());
        Path partial = target.resolveSibling("." + target.getFileName() + ".part");
        try {
            Files.writeString(partial, text);
            Files.move(partial, target, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(partial);
        }
    }
}
