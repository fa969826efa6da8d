package agentbus.hawtio;

import agentbus.calls.Problems;
import agentbus.db.Statements;
import agentbus.health.RouteStates;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.io.IOException;
import java.time.Duration;
import javax.management.JMException;
import javax.management.ObjectName;
import org.jolokia.server.core.request.BadRequestException;
import org.jolokia.server.core.request.EmptyResponseException;
import org.jolokia.server.core.request.JolokiaExecRequest;
import org.jolokia.server.core.request.JolokiaRequest;
import org.jolokia.server.core.request.NotChangedException;
import org.jolokia.server.core.util.HttpMethod;
import org.jolokia.server.core.util.RequestType;
import org.jolokia.service.jmx.LocalRequestHandler;
import org.springframework.dao.DataAccessException;

/**
 * Carries out Jolokia's requests on the MBeans of this process. It gets each request as Jolokia has understood it, also
 * each one of a bulk request, and writes the audit row of a call before the call.
 */
final class AuditedRequests extends LocalRequestHandler {
    private static final String NOTE = "sql/statements/serve-hawtio/note-mbean-call.sql";
    /** Any order: there is no other handler for MBeans. */
    private static final int ORDER = 1;
    /**
     * Chosen: Hawtio repeats a dump every few seconds while a page is open, and one row an hour says who looks at what. A
     * call that changes something always has its row.
     */
    private static final Duration READS_NOTED_EVERY = Duration.ofHours(1);
    /** Chosen: more than the routes of a fleet times its operators. */
    private static final int MOST_READS = 10_000;

    private final MBeanPolicy policy;
    private final Statements statements;
    private final RouteStates routes;
    private final String namespace;
    private final String node;
    private final Problems problems = new Problems();
    private final ThreadLocal<JsonNode> caller = new ThreadLocal<>();
    private final Cache<String, Boolean> notedReads = Caffeine.newBuilder()
            .maximumSize(MOST_READS)
            .expireAfterWrite(READS_NOTED_EVERY)
            .build();

    /** The work of Jolokia on one request, which throws what Jolokia throws. */
    interface Work<T> {
        T run() throws IOException, BadRequestException, EmptyResponseException;
    }

    /**
     * The requests of one node.
     *
     * @param policy what is allowed
     * @param statements writes the audit rows
     * @param routes hears who stops a route
     * @param namespace the namespace of the node
     * @param node the id of the node's dispatcher
     */
    AuditedRequests(MBeanPolicy policy, Statements statements, RouteStates routes, String namespace, String node) {
        super(ORDER);
        this.policy = policy;
        this.statements = statements;
        this.routes = routes;
        this.namespace = namespace;
        this.node = node;
    }

    /** Runs requests in the name of a principal. Jolokia handles them in the thread that calls it. */
    <T> T as(JsonNode principal, Work<T> work) throws IOException, BadRequestException, EmptyResponseException {
        caller.set(principal);
        try {
            return work.run();
        } finally {
            caller.remove();
        }
    }

    @Override
    public <R extends JolokiaRequest> Object handleRequest(R request, Object previous)
            throws IOException, JMException, NotChangedException, BadRequestException, EmptyResponseException {
        Object target = request.getOption("target");
        if (target != null) {
            throw new SecurityException("this Jolokia is no proxy for another process; leave target out");
        }
        if (request.getType() == RequestType.WRITE || request.getType() == RequestType.NOTIFICATION) {
            throw new SecurityException(
                    "the command " + request.getType().getName() + " is refused; " + MBeanPolicy.ALLOWED);
        }
        if (!(request instanceof JolokiaExecRequest call)) {
            return super.handleRequest(request, previous);
        }
        requireAllowed(call);
        note(call);
        Object answer = super.handleRequest(request, previous);
        tellRoutes(call);
        return answer;
    }

    private void requireAllowed(JolokiaExecRequest call) {
        ObjectName name = call.getObjectName();
        String operation = call.getOperation();
        if (!policy.isOperationAllowed(name, operation)) {
            String route = MBeanPolicy.routeOf(name);
            throw new SecurityException(
                    MBeanPolicy.REPORTER.equals(route) && MBeanPolicy.stops(operation)
                            ? "route " + route + " reports stopped routes, so it cannot be stopped"
                            : "the operation " + operation + " of " + name + " is refused; " + MBeanPolicy.ALLOWED);
        }
        // The address of a page may be opened by a link, also by one of another site.
        if (call.getHttpMethod() != HttpMethod.POST) {
            throw new SecurityException("the operation " + operation + " is carried out by POST only");
        }
    }

    private void note(JolokiaExecRequest call) {
        JsonNode principal = caller.get();
        String name = call.getObjectName().getCanonicalName();
        String operation = call.getOperation();
        String key = principal.path("name").asText() + ' ' + operation + ' ' + name;
        boolean reads = MBeanPolicy.reads(operation);
        if (reads && notedReads.getIfPresent(key) != null) {
            return;
        }
        ObjectNode noted = Json.object().put("node", node).put("mbean", name).put("operation", operation);
        if (call.getArguments() != null) {
            noted.set("arguments", Json.tree(call.getArguments()));
        }
        String route = MBeanPolicy.routeOf(call.getObjectName());
        if (route != null) {
            noted.put("route", route);
        }
        try {
            statements.rows(NOTE, principal.toString(), namespace, noted.toString());
        } catch (DataAccessException failed) {
            throw new IllegalStateException("the audit row of " + operation + " could not be written, so it was not"
                    + " carried out: " + problems.of(failed).detail());
        }
        if (reads) {
            notedReads.put(key, true);
        }
    }

    /** Names the caller as the one who stopped a route. Only after the call, because a call that failed changes nothing. */
    private void tellRoutes(JolokiaExecRequest call) {
        String route = MBeanPolicy.routeOf(call.getObjectName());
        String operation = call.getOperation();
        if (route != null && (MBeanPolicy.stops(operation) || MBeanPolicy.starts(operation))) {
            routes.acted(route, "operator:" + caller.get().path("name").asText(), MBeanPolicy.stops(operation));
        }
    }
}
