package agentbus.contract;

import agentbus.text.Nearest;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The contract: all operations of the bus, read once at the start. Thread-safe. */
public final class Contract {
    private static final String RESOURCE = "agentbus.openapi.yaml";

    private final Map<String, Operation> byId = new LinkedHashMap<>();
    private final List<Group> groups;
    private final ObjectNode document;
    private final PathTable paths;

    private Contract(ContractFile file) {
        List<Operation> operations = file.operations();
        for (Operation operation : operations) {
            if (byId.put(operation.id(), operation) != null) {
                throw new IllegalStateException("The contract has two operations " + operation.id() + ".");
            }
        }
        groups = file.groups();
        document = file.document();
        paths = new PathTable(operations);
    }

    /**
     * Reads the contract from the classpath.
     *
     * @return the contract
     * @throws IllegalStateException when the file is missing or faulty
     */
    public static Contract load() {
        try (InputStream yaml = Contract.class.getClassLoader().getResourceAsStream(RESOURCE)) {
            if (yaml == null) {
                throw new IllegalStateException(RESOURCE + " is not on the classpath.");
            }
            return read(yaml);
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    /**
     * Reads a contract from a stream.
     *
     * @param yaml the contract's text; not closed
     * @return the contract
     * @throws IllegalStateException when the text is faulty
     */
    public static Contract read(InputStream yaml) {
        return new Contract(new ContractFile(yaml));
    }

    /** The operations, in the contract's order. */
    public List<Operation> operations() {
        return List.copyOf(byId.values());
    }

    /** The groups of operations, in the contract's order. */
    public List<Group> groups() {
        return groups;
    }

    /** A copy of the whole contract as JSON, with all references resolved. */
    public ObjectNode document() {
        return document.deepCopy();
    }

    /**
     * Finds an operation by its id.
     *
     * @param id the id in camel case
     * @return the operation
     * @throws Problem 404 {@code no_such_operation}
     */
    public Operation operation(String id) {
        Operation operation = byId.get(id);
        if (operation == null) {
            throw Problem.noSuchOperation(id, Nearest.of(id, byId.keySet()));
        }
        return operation;
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
        return paths.match(method, path);
    }
}
