package agentbus.contract;

import agentbus.text.Json;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The contract as the build has compiled it: a list of the operations, and a file for each with its references resolved.
 * A command reads only its own operation, because reading the YAML of all takes longer than a call.
 */
final class CompiledContract {
    private static final String DIRECTORY = "contract/";
    private static final String LIST = "operations.txt";

    private CompiledContract() {}

    /**
     * The build's step: checks the contract and writes its compiled form.
     *
     * @param args the YAML file, and the directory of the classes
     * @throws IOException when a file cannot be read or written
     * @throws IllegalStateException when the contract is faulty
     */
    public static void main(String[] args) throws IOException {
        Path directory = Path.of(args[1]).resolve(DIRECTORY);
        Files.createDirectories(directory);
        try (InputStream yaml = Files.newInputStream(Path.of(args[0]))) {
            write(new ContractFile(yaml), directory);
        }
    }

    private static void write(ContractFile file, Path directory) throws IOException {
        // Reads every operation, so that a faulty one fails the build and no later call.
        Contract contract = Contract.of(file);
        List<String> lines = new ArrayList<>();
        contract.groups().forEach(group -> lines.add(line("group", group.name(), group.title())));
        for (Entry entry : contract.entries()) {
            lines.add(line("operation", entry.id(), entry.method(), entry.path(), entry.group(), entry.summary()));
            Files.writeString(
                    directory.resolve(entry.id() + ".json"), file.part(entry).toString());
        }
        Files.write(directory.resolve(LIST), lines);
    }

    private static String line(String... fields) {
        for (String field : fields) {
            if (field.contains("\t") || field.contains("\n")) {
                throw new IllegalStateException("The contract's text must be one line without a tab: " + field);
            }
        }
        return String.join("\t", fields);
    }

    /** Reads the list of groups and operations. It is plain text, because help needs no JSON otherwise. */
    static Contract contract() {
        List<Group> groups = new ArrayList<>();
        List<Entry> entries = new ArrayList<>();
        for (String line : new String(bytes(LIST), StandardCharsets.UTF_8).split("\n")) {
            String[] fields = line.split("\t");
            if (fields[0].equals("group")) {
                groups.add(new Group(fields[1], fields[2]));
            } else {
                entries.add(new Entry(fields[1], fields[2], fields[3], fields[4], fields[5]));
            }
        }
        return new Contract(entries, groups);
    }

    /** The operation of an entry. */
    static Operation operation(Entry entry) {
        try {
            return ContractFile.operation(Json.read(bytes(entry.id() + ".json")));
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    private static byte[] bytes(String name) {
        try (InputStream file = CompiledContract.class.getClassLoader().getResourceAsStream(DIRECTORY + name)) {
            if (file == null) {
                throw new IllegalStateException(DIRECTORY + name + " is not on the classpath; build again.");
            }
            return file.readAllBytes();
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }
}
