package agentbus.calls;

import agentbus.contract.Operation;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Optional;
import org.apache.camel.Exchange;

/** One call of an operation. It belongs to one exchange, which holds it in the variable {@code call}. */
public final class Call {
    private static final String VARIABLE = "call";

    private final Operation operation;
    private final String address;
    private ObjectNode credential;
    private String newToken;
    private boolean answered;
    private boolean wakes;
    private long carriedBytes;

    /**
     * A call that has not been checked yet.
     *
     * @param operation the operation that is called
     * @param address where the call comes from
     */
    Call(Operation operation, String address) {
        this.operation = operation;
        this.address = address;
    }

    /** The call that an exchange runs; empty until its operation is known. */
    static Optional<Call> find(Exchange exchange) {
        return Optional.ofNullable(exchange.getVariable(VARIABLE, Call.class));
    }

    /**
     * The call that an exchange runs.
     *
     * @param exchange an exchange whose call is known
     * @return the call
     * @throws IllegalStateException when no door has begun a call
     */
    static Call of(Exchange exchange) {
        return find(exchange).orElseThrow(() -> new IllegalStateException("no door has begun a call here"));
    }

    /** Makes this the call that an exchange runs. */
    void enter(Exchange exchange) {
        exchange.setVariable(VARIABLE, this);
    }

    /** Removes the previous call from an exchange. */
    static void leave(Exchange exchange) {
        exchange.removeVariable(VARIABLE);
    }

    /** The operation that is called. */
    Operation operation() {
        return operation;
    }

    /** Where the call comes from: an IP address, or a route. */
    String address() {
        return address;
    }

    /**
     * The caller's credential, in the form that the SQL function {@code principal_of} takes; null before it is known.
     */
    ObjectNode credential() {
        return credential;
    }

    /** Keeps the caller's credential. */
    void credential(ObjectNode caller) {
        credential = caller;
    }

    /** The long-lived token that the call issues, or null. */
    String newToken() {
        return newToken;
    }

    /** Keeps the token that the call issues. */
    void newToken(String token) {
        newToken = token;
    }

    /** Bytes of the caller's earlier calls that this call counts in the database. */
    long carriedBytes() {
        return carriedBytes;
    }

    /** Keeps the number of bytes of earlier calls that this call counts in the database. */
    void carriedBytes(long bytes) {
        carriedBytes = bytes;
    }

    /** Whether the body is the database's answer. */
    boolean answered() {
        return answered;
    }

    /** Notes that the body is the database's answer. */
    void answer() {
        answered = true;
    }

    /** Whether the dispatchers are to be woken for a shared statement. */
    boolean wakes() {
        return wakes;
    }

    /** Notes that the dispatchers are to be woken for a shared statement. */
    void wake() {
        wakes = true;
    }
}
