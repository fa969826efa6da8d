package agentbus.fleet;

import agentbus.settings.Settings;
import agentbus.text.Sha256;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Reads the fleet's directory: one folder per agent with an agent.yaml in it. Plain files, and folders whose name
 * begins with a dot, are ignored.
 */
public final class AgentFiles {

    private static final String FILE_NAME = "agent.yaml";
    private static final String DIRECTORY = "agentbus.agents.dir";
    /** The default of {@link #DIRECTORY}, and the name of the directory in a checkout or a release. */
    private static final String USUAL = "agents";

    private final Path directory;
    private final Map<String, AgentFile> files = new LinkedHashMap<>();
    private final ArrayNode agents = JsonNodeFactory.instance.arrayNode();

    /**
     * The files of one directory. The constructor reads nothing yet.
     *
     * @param directory the directory of the agents' folders
     */
    public AgentFiles(Path directory) {
        this.directory = directory;
    }

    /**
     * The files of an installation: {@code agentbus.agents.dir}. Without such a directory, the agents are those of the
     * checkout or the release ({@code agentbus.source.dir}), unless another directory than the usual one is set.
     *
     * @param settings the settings
     * @return the files, not read yet
     */
    public static AgentFiles of(Settings settings) {
        Path own = settings.path(DIRECTORY).orElse(settings.home());
        Optional<Path> program = settings.path("agentbus.source.dir")
                .map(source -> source.resolve(USUAL))
                .filter(Files::isDirectory);
        boolean usual = settings.text(DIRECTORY).equals(USUAL);
        return new AgentFiles(usual && !Files.exists(own) ? program.orElse(own) : own);
    }

    /** The directory of the agents' folders. */
    public Path directory() {
        return directory;
    }

    /**
     * Reads and checks every agent.yaml. The result does not depend on the directory's file order.
     *
     * @return the agents sorted by id, in the form of {@code sync_agents}; empty for an empty directory
     * @throws AgentFileError at the first mistake, or when the directory or a file is missing or cannot be read
     */
    public ArrayNode read() {
        agents.removeAll();
        files.clear();
        Map<String, List<String>> accepts = new TreeMap<>();
        for (Path folder : folders()) {
            String name = folder.getFileName().toString();
            Path path = folder.resolve(FILE_NAME);
            byte[] bytes = bytes(path);
            AgentFile file = new AgentFile(YamlFile.parse(path, bytes));
            ObjectNode agent = file.read(name);
            agent.put("configHash", Sha256.hex(bytes));
            Path instructions = folder.resolve("AGENTS.md");
            if (Files.exists(instructions)) {
                agent.put("agentsMdHash", Sha256.hex(bytes(instructions)));
            }
            agents.add(agent);
            files.put(name, file);
            List<String> subjects = new ArrayList<>();
            agent.get("accepts").forEach(subject -> subjects.add(subject.textValue()));
            accepts.put(name, subjects);
        }
        files.values().forEach(file -> file.checkHandoffs(accepts));
        return agents;
    }

    /**
     * The agents.
     *
     * @return the agents that {@link #read} has returned
     */
    public ArrayNode agents() {
        return agents;
    }

    /**
     * Checks that each agent's gateway exists. This is separate from {@link #read}, because the database knows the
     * gateways of all nodes.
     *
     * @param gateways the names of all gateways
     * @throws AgentFileError at the first unknown gateway
     */
    public void checkGateways(Collection<String> gateways) {
        files.values().forEach(file -> file.checkGateway(gateways));
    }

    private List<Path> folders() {
        if (!Files.isDirectory(directory)) {
            throw new AgentFileError(directory + ": there is no such directory; it must hold a folder with " + FILE_NAME
                    + " for each agent");
        }
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.filter(Files::isDirectory)
                    .filter(folder -> !folder.getFileName().toString().startsWith("."))
                    .sorted(Comparator.comparing(folder -> folder.getFileName().toString()))
                    .toList();
        } catch (IOException e) {
            throw new AgentFileError(directory + ": the directory cannot be read: " + e, e);
        }
    }

    private static byte[] bytes(Path path) {
        // A folder without agent.yaml is refused, because an agent with a misnamed file would silently leave the fleet.
        if (!Files.exists(path)) {
            throw new AgentFileError(
                    path + ": there is no such file; every folder beside it is an agent and must have one");
        }
        try {
            return Files.readAllBytes(path);
        } catch (IOException e) {
            throw new AgentFileError(path + ": the file cannot be read: " + e, e);
        }
    }
}
