package agentbus.contract;

import agentbus.text.Nearest;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The contract: all operations of the bus. It is compiled by the build; an operation is read when it is first asked for.
 * Thread-safe.
 */
public final class Contract {
    private static final String RESOURCE = "agentbus.openapi.yaml";

    private final Map<String, Entry> entries = new LinkedHashMap<>();
    private final Map<String, Operation> operations = new ConcurrentHashMap<>();
    private final List<Group> groups;
    private final PathTable paths;

    /** The contract of a list, whose operations are read when they are asked for. */
    Contract(List<Entry> entries, List<Group> groups) {
        for (Entry entry : entries) {
            if (this.entries.put(entry.id(), entry) != null) {
                throw new IllegalStateException("The contract has two operations " + entry.id() + ".");
            }
        }
        this.groups = List.copyOf(groups);
        this.paths = new PathTable(entries);
    }

    /** The contract of a file, with every operation read. */
    static Contract of(ContractFile file) {
        List<Operation> read = file.operations();
        Contract contract = new Contract(read.stream().map(Contract::entry).toList(), file.groups());
        read.forEach(operation -> contract.operations.put(operation.id(), operation));
        return contract;
    }

    private static Entry entry(Operation operation) {
        return new Entry(operation.id(), operation.method(), operation.path(), operation.group(), operation.summary());
    }

    /**
     * The contract of this program, from the classpath.
     *
     * @return the contract
     * @throws IllegalStateException when its files are missing
     */
    public static Contract load() {
        return CompiledContract.contract();
    }

    /**
     * Reads a contract from a stream.
     *
     * @param yaml the contract's text; not closed
     * @return the contract
     * @throws IllegalStateException when the text is faulty
     */
    public static Contract read(InputStream yaml) {
        return of(new ContractFile(yaml));
    }

    /**
     * The whole contract of this program as JSON, with all references resolved. It is read from its YAML at each call,
     * because the program itself needs only the operations.
     *
     * @return a new tree
     */
    public ObjectNode document() {
        try (InputStream yaml = Contract.class.getClassLoader().getResourceAsStream(RESOURCE)) {
            if (yaml == null) {
                throw new IllegalStateException(RESOURCE + " is not on the classpath.");
            }
            return new ContractFile(yaml).document();
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    /** The entries of all operations, in the contract's order. */
    public List<Entry> entries() {
        return List.copyOf(entries.values());
    }

    /**
     * Finds the entry of a command.
     *
     * @param name the operation's id in kebab case
     * @return the entry; empty if no operation has this name
     */
    public Optional<Entry> command(String name) {
        return entries.values().stream()
                .filter(entry -> entry.kebabName().equals(name))
                .findFirst();
    }

    /** The operations, in the contract's order. */
    public List<Operation> operations() {
        return entries.values().stream().map(this::operation).toList();
    }

    /** The groups of operations, in the contract's order. */
    public List<Group> groups() {
        return groups;
    }

    /**
     * Finds an operation by its id.
     *
     * @param id the id in camel case
     * @return the operation
     * @throws Problem 404 {@code no_such_operation}
     */
    public Operation operation(String id) {
        Entry entry = entries.get(id);
        if (entry == null) {
            throw Problem.noSuchOperation(id, Nearest.of(id, entries.keySet()));
        }
        return operation(entry);
    }

    private Operation operation(Entry entry) {
        return operations.computeIfAbsent(entry.id(), id -> CompiledContract.operation(entry));
    }

    /**
     * Finds the operation of a request.
     *
     * @param method the HTTP method
     * @param path the path as received, percent-encoded, without the query
     * @return the operation and the values of its path parameters
     * @throws Problem 404 {@code no_such_operation}, 405 {@code method_not_allowed} with the allowed methods as
     *     {@link Problem#expected()}, or 400 {@code invalid_field} for a parameter that cannot be decoded
     */
    public Match match(String method, String path) {
        return paths.match(method, path, this::operation);
    }
}
