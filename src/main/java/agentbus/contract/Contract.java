package agentbus.contract;

import agentbus.text.Nearest;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The contract: every operation of the bus. Read once at the start, and safe for use by many threads. */
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
     * @throws IllegalStateException when the file is missing or at fault
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
     * Reads a contract from elsewhere.
     *
     * @param yaml the file's text; left open
     * @return the contract
     * @throws IllegalStateException when the file is at fault
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

    /** The whole contract as JSON, references resolved; a copy. */
    public ObjectNode document() {
        return document.deepCopy();
    }

    /**
     * The operation with an id.
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
     * The operation that a request means.
     *
     * @param method the HTTP method
     * @param path the raw path, still percent-encoded, without the query
     * @return the operation with its path's parameters
     * @throws Problem 404 {@code no_such_operation}, 405 {@code method_not_allowed} with the allowed methods as
     *     {@link Problem#expected()}, or 400 {@code invalid_field} for a parameter that cannot be decoded
     */
    public Match match(String method, String path) {
        return paths.match(method, path);
    }
}
