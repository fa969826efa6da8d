package agentbus.calls;

import agentbus.contract.Operation;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Optional;
import org.apache.camel.Exchange;

/** One call of an operation, the exchange variable {@code call} of the routes that run it. It belongs to one exchange. */
public final class Call {
    private static final String VARIABLE = "call";

    private final Operation operation;
    private final String address;
    private ObjectNode credential;
    private String newToken;
    private boolean answered;

    /**
     * A call that nobody has looked at yet.
     *
     * @param operation what is called
     * @param address where it comes from
     */
    Call(Operation operation, String address) {
        this.operation = operation;
        this.address = address;
    }

    /** The call that an exchange runs; empty while it is not known which operation is meant. */
    static Optional<Call> find(Exchange exchange) {
        return Optional.ofNullable(exchange.getVariable(VARIABLE, Call.class));
    }

    /**
     * The call that an exchange runs.
     *
     * @param exchange an exchange whose call is known
     * @return the call
     * @throws IllegalStateException when no door has begun one
     */
    static Call of(Exchange exchange) {
        return find(exchange).orElseThrow(() -> new IllegalStateException("no door has begun a call here"));
    }

    /** Makes this the call that an exchange runs. */
    void enter(Exchange exchange) {
        exchange.setVariable(VARIABLE, this);
    }

    /** Forgets the call that an exchange has run before. */
    static void leave(Exchange exchange) {
        exchange.removeVariable(VARIABLE);
    }

    /** What is called. */
    Operation operation() {
        return operation;
    }

    /** Where it comes from: an IP address, or a route. */
    String address() {
        return address;
    }

    /** Who calls, as {@code principal_of} takes it; null before the caller is known. */
    ObjectNode credential() {
        return credential;
    }

    /** Keeps who calls. */
    void credential(ObjectNode caller) {
        credential = caller;
    }

    /** The long-lived token that the call makes, or null. */
    String newToken() {
        return newToken;
    }

    /** Keeps the token that the call makes. */
    void newToken(String token) {
        newToken = token;
    }

    /** Whether the body is the database's answer. */
    boolean answered() {
        return answered;
    }

    /** Notes that the body is the database's answer. */
    void answer() {
        answered = true;
    }
}
