package agentbus.imports;

import agentbus.contract.Problem;
import agentbus.orders.Order;
import agentbus.text.Json;
import agentbus.text.Nearest;
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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * {@code agentbus import-openclaw-crons}: translates the crons of an OpenClaw into standing orders. It reads its own
 * result as a start would, and writes only a file that starts.
 */
@Command(
        name = "import-openclaw-crons",
        description = {
            ImportOpenclawCronsCommand.SUMMARY,
            "Each change is told, and each cron that cannot become an order, with the reason."
        },
        footer = "Example: openclaw cron list --all --json | agentbus import-openclaw-crons - --zone Europe/Berlin"
                + " --map-agent main=coordinator")
public final class ImportOpenclawCronsCommand implements Callable<Integer> {
    /** The line that the help of the program says of this command. */
    public static final String SUMMARY =
            "Write standing orders for the crons that 'openclaw cron list --json' prints; needs no running bus.";

    /** Chosen: no fleet has such a large list of crons, so a larger file is a mistake. */
    private static final int MOST_BYTES = 10_000_000;

    private static final String FILE_NAME = "openclaw-crons.camel.yaml";
    private static final ObjectMapper YAML = new ObjectMapper(YAMLFactory.builder()
            .disable(YAMLGenerator.Feature.WRITE_DOC_START_MARKER)
            .disable(YAMLGenerator.Feature.SPLIT_LINES)
            .enable(YAMLGenerator.Feature.LITERAL_BLOCK_STYLE)
            .build());

    private final PrintStream out;
    private final InputStream in;
    private final Supplier<Installation> installation;

    @Parameters(
            paramLabel = "<file>",
            description = "The output of 'openclaw cron list --json'; - reads the standard input.")
    private String file;

    @Option(
            names = "--output",
            paramLabel = "<file>",
            description = "The route file to write; " + FILE_NAME + " in agentbus.routes.dir by default, - for the"
                    + " standard output.")
    private String output = "";

    @Option(names = "--force", description = "Overwrite the route file.")
    private boolean force;

    @Option(
            names = "--map-agent",
            paramLabel = "<from=to>",
            description = "Give the crons of an agent of OpenClaw to an agent of the fleet, as main=coordinator;"
                    + " repeat it for further agents.")
    private Map<String, String> agents = new LinkedHashMap<>();

    @Option(
            names = "--default-agent",
            paramLabel = "<agent>",
            description = "The agent for a cron that names none; coordinator by default.")
    private String defaultAgent = "coordinator";

    @Option(
            names = "--zone",
            paramLabel = "<zone>",
            description = "The time zone of the gateway's machine, for a schedule that names none.")
    private String zone;

    @Option(names = "--include-disabled", description = "Import disabled crons, too, as comments.")
    private boolean includeDisabled;

    @Option(
            names = "--without-limits",
            description = "Import crons with limited tools, too; their orders have all tools of their agent.")
    private boolean withoutLimits;

    /**
     * The command.
     *
     * @param in the standard input
     * @param out the stream for the report
     * @param installation opens the installation that gets the orders
     */
    public ImportOpenclawCronsCommand(InputStream in, PrintStream out, Supplier<Installation> installation) {
        this.in = in;
        this.out = out;
        this.installation = installation;
    }

    @Override
    public Integer call() throws IOException {
        Installation into = installation.get();
        boolean toStandardOutput = output.equals("-");
        Path target = target(into);
        Set<String> fleet = into.agents();
        CronTranslator translator = new CronTranslator(choices(fleet), fleet, into.names(target));
        List<OpenclawCron> crons = new ArrayList<>();
        JsonNode root = root();
        jobs(root).forEach(job -> crons.add(translator.translate(job)));
        if (!translator.asked().isEmpty()) {
            throw wrong(
                    "file", file, String.join("; ", translator.asked()), "a decision for each; nothing was written");
        }
        String text = routeFile(crons);
        requireThatItStarts(into, target, text, crons);
        if (toStandardOutput) {
            out.print(text);
            return 0;
        }
        return tell(into, target, root, crons, text);
    }

    private int tell(Installation into, Path target, JsonNode root, List<OpenclawCron> crons, String text)
            throws IOException {
        for (OpenclawCron cron : crons) {
            out.println(line(cron.name()) + ": " + cron.outcome());
            cron.notes().forEach(note -> out.println("  " + line(note)));
        }
        if (root.path("hasMore").asBoolean(false)) {
            out.println("The list is not complete (hasMore): it holds " + crons.size() + " of "
                    + root.path("total").asText("more") + " crons. Import the others, too, with another --output.");
        }
        int orders = orders(crons, true) + orders(crons, false);
        if (orders == 0) {
            out.println("Nothing to write.");
            return crons.isEmpty() ? 0 : 1;
        }
        write(target, text);
        out.println(orders(crons, true) + " standing orders written to " + target
                + (orders(crons, false) == 0 ? "" : ", and " + orders(crons, false) + " disabled ones as comments"));
        if (into.routes().filter(target::startsWith).isEmpty()
                || !target.toString().endsWith(".camel.yaml")) {
            out.println("The bus does not read that file: it reads *.camel.yaml in "
                    + into.routes().map(Path::toString).orElse("no directory, because agentbus.routes.dir is empty")
                    + ".");
        }
        if (text.contains("value: \"session:") || text.contains("value: session:")) {
            out.println("Shared sessions need agentbus.gateway.form=direct; otherwise each run has its own.");
        }
        List<OpenclawCron> running = crons.stream()
                .filter(cron -> cron.enabled() && !cron.orders().isEmpty())
                .toList();
        if (!running.isEmpty()) {
            out.println("Next: switch the old crons off, because the gateway and the bus would both do the work:");
            running.forEach(cron -> out.println("  openclaw cron disable " + word(cron.id())));
            out.println("Then start the bus with agentbus.orders.enabled=true; list-standing-orders shows the orders.");
        }
        return 0;
    }

    /** Makes a text safe as one word of a shell command. */
    private static String word(String text) {
        return text.matches("[A-Za-z0-9][A-Za-z0-9._:-]*")
                ? text
                : "'" + line(text).replace("'", "'\\''") + "'";
    }

    private static int orders(List<OpenclawCron> crons, boolean enabled) {
        return crons.stream()
                .filter(cron -> cron.enabled() == enabled)
                .mapToInt(cron -> cron.orders().size())
                .sum();
    }

    private CronChoices choices(Set<String> fleet) {
        requireAgent("default-agent", defaultAgent, fleet);
        agents.forEach((from, to) -> requireAgent("map-agent", to, fleet));
        String known = zone == null
                ? null
                : CronTranslator.zoneName(zone)
                        .orElseThrow(() -> wrong(
                                "zone",
                                zone,
                                "--zone is " + zone + ", which is no time zone",
                                "such as Europe/Berlin, or an offset of whole hours"));
        return new CronChoices(agents, defaultAgent, known, includeDisabled, withoutLimits);
    }

    private static void requireAgent(String option, String agent, Set<String> fleet) {
        if (!fleet.contains(agent)) {
            throw wrong(
                    option,
                    agent,
                    "--" + option + " names " + agent + ", which is no agent of the fleet"
                            + Nearest.meant(agent, fleet),
                    "one of " + fleet.stream().sorted().collect(Collectors.joining(", ")));
        }
    }

    /** The file to write. For the standard output it is the usual one, because that is the file's place in the end. */
    private Path target(Installation into) {
        Optional<Path> usual = into.routes().map(routes -> routes.resolve(FILE_NAME));
        boolean chosen = !output.isEmpty() && !output.equals("-");
        Path target = chosen
                ? path("output", output)
                : usual.orElseThrow(() -> wrong(
                        "output",
                        output,
                        "agentbus.routes.dir is empty, so there is no directory for route files of your own",
                        "--output <file>"));
        if (!output.equals("-") && Files.exists(target) && !force) {
            throw wrong(
                    "output",
                    target.toString(),
                    "there is a file " + target + " already",
                    "another file (--output), or --force");
        }
        return target;
    }

    /** A path on the command line is relative to the caller's working directory. */
    private static Path path(String option, String text) {
        try {
            return Path.of("").toAbsolutePath().resolve(text).normalize();
        } catch (InvalidPathException invalid) {
            throw wrong(option, text, text + " is no path", "the path of a file");
        }
    }

    private JsonNode root() {
        try {
            return Json.read(bytes());
        } catch (JsonProcessingException malformed) {
            throw wrong("file", file, file + " is no JSON: " + malformed.getOriginalMessage(), expected());
        } catch (IOException unreadable) {
            throw wrong("file", file, file + " cannot be read: " + unreadable.getMessage(), "a file that can be read");
        }
    }

    private JsonNode jobs(JsonNode root) {
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
            try (InputStream content = Files.newInputStream(path("file", file))) {
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
        if (orders(crons, true) == 0) {
            text.append(
                    "\n# No order is on, so the list is empty. Remove the next line with the first # of an order.\n[]\n");
        }
        for (OpenclawCron cron : crons) {
            text.append("\n# OpenClaw cron ")
                    .append(line(cron.name()))
                    .append(" (")
                    .append(line(cron.id()))
                    .append("): ")
                    .append(cron.outcome())
                    .append('\n');
            cron.notes().forEach(note -> text.append("#   ").append(line(note)).append('\n'));
            for (Map.Entry<String, Map<String, String>> order : cron.orders().entrySet()) {
                String entry = YAML.writeValueAsString(entry(order.getKey(), order.getValue()));
                text.append(
                        cron.enabled() ? entry : entry.replaceAll("(?m)^", "# ").replaceAll("# $", ""));
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

    /** Reads the result as a start would: the file itself, and the orders that are comments in it. */
    private static void requireThatItStarts(Installation into, Path target, String text, List<OpenclawCron> crons)
            throws JsonProcessingException {
        List<OpenclawCron> all = crons.stream()
                .map(cron -> new OpenclawCron(cron.id(), cron.name(), true, cron.orders(), List.of()))
                .toList();
        requireOrders(crons.stream().filter(OpenclawCron::enabled).toList(), into.read(target, text));
        requireOrders(all, into.read(target, routeFile(all)));
    }

    private static void requireOrders(List<OpenclawCron> crons, List<Order> read) {
        Map<String, Map<String, String>> wanted = new LinkedHashMap<>();
        crons.forEach(cron -> wanted.putAll(cron.orders()));
        Map<String, Map<String, String>> got = new LinkedHashMap<>();
        for (Order order : read) {
            Map<String, String> parameters = new LinkedHashMap<>();
            parameters.put("agent", order.agent());
            parameters.put("cron", order.cron());
            parameters.put("zone", order.zone());
            parameters.put("session", order.session());
            parameters.put("purpose", order.purpose());
            if (order.timeoutSeconds() > 0) {
                parameters.put("timeoutSeconds", String.valueOf(order.timeoutSeconds()));
            }
            parameters.put("instructions", order.instructions());
            got.put(order.name(), parameters);
        }
        for (Map.Entry<String, Map<String, String>> order : wanted.entrySet()) {
            if (!order.getValue().equals(got.get(order.getKey()))) {
                throw new IllegalStateException("the order " + order.getKey() + " reads back as "
                        + got.get(order.getKey()) + ", not as " + order.getValue());
            }
        }
    }

    /** Makes another program's text safe for one line of a terminal or of a comment. */
    private static String line(String text) {
        return text.replaceAll("[\\p{Cntrl}\\p{Zl}\\p{Zp}\\x{80}-\\x{9f}]+", " ")
                .replaceAll("[\\x{d800}-\\x{dfff}]", "?");
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
