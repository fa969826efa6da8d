package agentbus.http;

import agentbus.calls.CallLimits;
import agentbus.calls.Problems;
import agentbus.calls.Refusals;
import agentbus.contract.Contract;
import agentbus.contract.Operation;
import agentbus.contract.Problem;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vertx.core.http.HttpClosedException;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.camel.CamelContext;
import org.apache.camel.ProducerTemplate;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpRouter;

/**
 * Answers requests that the HTTP server refuses before they reach a route, with a problem like every other refusal.
 * Without this class, the server answers a body over the limit, a broken escape or an unknown path with plain text or
 * HTML, and logs a stack trace.
 */
public final class ServerAnswers {
    private static final int BAD_REQUEST = 400;
    private static final int NOT_FOUND = 404;
    private static final int TOO_LARGE = 413;
    private static final int TOO_MANY = 429;
    private static final int INTERNAL = 500;
    private static final int UNAVAILABLE = 503;
    /** The path of the MCP endpoint, which is not in the contract. */
    private static final String MCP = "/mcp";
    /** The path of the console's logins, which is not in the contract. */
    private static final String SESSION = "/console/session";
    /** The types of bodies that the server itself decodes. */
    private static final List<String> FORMS = List.of("multipart/form-data", "application/x-www-form-urlencoded");
    /** The order before all handlers of the routes. */
    private static final int FIRST = -1;

    private static final int REQUEST_TIMEOUT = 408;
    private static final int NO_CONTENT = 204;
    private static final int UNAUTHORIZED = 401;
    /** Chosen: a bus needs a few seconds for a restart. */
    private static final long RETRY_AFTER_SECONDS = 2;
    /** Chosen: saves most preflights, and a changed setting takes effect within ten minutes. */
    private static final String PREFLIGHT_SECONDS = "600";

    private final Contract contract;
    private final CallLimits limits;
    private final RequestRules rules;
    private final Origins origins;
    private final Refusals refusals;
    private final int maxBytes;
    private final Duration bodyPatience;
    private final Problems problems = new Problems();
    private ProducerTemplate background;

    /**
     * Makes the answers for one server.
     *
     * @param contract finds the operation and the parameters of a path
     * @param limits admits calls; a call whose body is too large counts, too
     * @param rules the rules for every request
     * @param origins the origins whose pages may call /mcp
     * @param maxBytes the largest accepted body in bytes, for the message
     * @param bodyPatience the time within which a request's body must arrive
     */
    ServerAnswers(
            Contract contract,
            CallLimits limits,
            RequestRules rules,
            Origins origins,
            int maxBytes,
            Duration bodyPatience) {
        this.contract = contract;
        this.limits = limits;
        this.rules = rules;
        this.origins = origins;
        this.refusals = new Refusals(limits);
        this.maxBytes = maxBytes;
        this.bodyPatience = bodyPatience;
    }

    /**
     * Installs the handlers in the started server.
     *
     * @param camel the context whose registry holds the server's router
     * @param port the server's port
     */
    public void install(CamelContext camel, int port) {
        background = camel.createProducerTemplate();
        VertxPlatformHttpRouter routes =
                VertxPlatformHttpRouter.lookup(camel, VertxPlatformHttpRouter.getRouterNameFromPort(port));
        routes.route().order(FIRST).handler(call -> check(camel, call)).failureHandler(this::failed);
        // The routes' router is mounted on the server's router, which handles the requests that match no route.
        Router server = (Router) routes.getServer().getServer().requestHandler();
        server.errorHandler(BAD_REQUEST, this::undecodable);
        server.errorHandler(NOT_FOUND, this::notFound);
        server.errorHandler(INTERNAL, this::failed);
    }

    /** Checks each request first, because later handlers rely on a decodable query and on running routes. */
    private void check(CamelContext camel, RoutingContext call) {
        // Set here, because Camel does not let a route set Cache-Control.
        protect(call);
        if (camel.isStopping() && isForRoutes(call)) {
            // While Camel waits for the exchanges in flight, it would answer with a status and no body.
            answer(call, unavailable("The bus is being stopped; nothing was changed. Try again."));
            return;
        }
        try {
            rules.check(call);
            if (isMcp(call) && answeredAsPreflight(call)) {
                return;
            }
            QueryString.parse(call.request().query());
        } catch (Problem broken) {
            answer(call, broken);
            return;
        }
        if (isForRoutes(call) && hasForm(call.request())) {
            // Refused unread, because the server would write the files of a form to disk before anything checks the
            // caller.
            call.response().putHeader("Connection", "close");
            undecodable(call);
            return;
        }
        limitBody(call);
        call.next();
    }

    /**
     * Lets a page in a browser read the answer of /mcp, and answers the question that the browser asks before the call
     * of a page (CORS preflight). Pages of other origins get no such answer; the route refuses their calls.
     */
    private boolean answeredAsPreflight(RoutingContext call) {
        HttpServerRequest request = call.request();
        String origin = request.getHeader("Origin");
        if (origin == null || !origins.allowed(origin)) {
            return false;
        }
        HttpServerResponse response = call.response()
                .putHeader("Access-Control-Allow-Origin", origin)
                .putHeader("Vary", "Origin")
                .putHeader("Access-Control-Expose-Headers", "Retry-After");
        if (request.method() != HttpMethod.OPTIONS || request.getHeader("Access-Control-Request-Method") == null) {
            return false;
        }
        response.putHeader("Access-Control-Allow-Methods", "POST")
                .putHeader("Access-Control-Max-Age", PREFLIGHT_SECONDS);
        String headers = request.getHeader("Access-Control-Request-Headers");
        if (headers != null) {
            // Any header may come, because the door reads only those of the protocol.
            response.putHeader("Access-Control-Allow-Headers", headers);
        }
        response.setStatusCode(NO_CONTENT).end();
        return true;
    }

    /** Limits the time for the body. The idle timeout does not end a request whose caller sends a byte now and then. */
    private void limitBody(RoutingContext call) {
        HttpServerRequest request = call.request();
        if (request.isEnded() || !hasBody(request)) {
            return;
        }
        long timer = call.vertx().setTimer(bodyPatience.toMillis(), late -> {
            if (!request.isEnded() && !call.response().headWritten()) {
                call.response().putHeader("Connection", "close");
                call.addEndHandler(answered -> request.connection().close());
                answer(
                        call,
                        Problem.of(
                                REQUEST_TIMEOUT,
                                "body_too_slow",
                                "The body has not come within " + bodyPatience.toSeconds() + " seconds."));
            }
        });
        call.addEndHandler(done -> call.vertx().cancelTimer(timer));
    }

    /** Answers a request whose path or form the server could not decode. */
    private void undecodable(RoutingContext call) {
        try {
            // Throws a problem if the path is unknown, or names the parameter that cannot be decoded.
            if (!Set.of(MCP, SESSION).contains(call.request().path())) {
                contract.match(call.request().method().name(), call.request().path());
            }
            Operation.requireJson(call.request().getHeader("Content-Type"));
            answer(call, Problem.invalidField(null, null, "The request cannot be decoded.", null));
        } catch (Problem broken) {
            answer(call, broken);
        }
    }

    private static boolean hasBody(HttpServerRequest request) {
        return request.getHeader("Content-Length") != null || request.getHeader("Transfer-Encoding") != null;
    }

    private static boolean hasForm(HttpServerRequest request) {
        String type = request.getHeader("Content-Type");
        return type != null
                && hasBody(request)
                && FORMS.stream().anyMatch(type.strip().toLowerCase(Locale.ROOT)::startsWith);
    }

    private static boolean isForRoutes(RoutingContext call) {
        String path = call.normalizedPath();
        return isMcp(call) || path.startsWith("/v1") || path.equals(SESSION);
    }

    private static boolean isMcp(RoutingContext call) {
        return call.normalizedPath().equals(MCP);
    }

    private void failed(RoutingContext call) {
        if (call.failure() instanceof HttpClosedException) {
            // The caller has closed the connection, so there is nobody to answer, and no error of the bus to log.
            return;
        }
        if (call.statusCode() == TOO_LARGE) {
            // The rest of the body is not read.
            call.response().putHeader("Connection", "close");
            answer(call, tooLarge(call.request()));
        } else if (call.failure() != null && call.statusCode() >= INTERNAL) {
            answer(call, problems.of(call.failure()));
        } else {
            call.next();
        }
    }

    /** Answers a request that matches no route. A caller may try again if the route of its operation does not run. */
    private void notFound(RoutingContext call) {
        HttpServerRequest request = call.request();
        try {
            if (!isMcp(call)) {
                // Throws a problem if the path or the method is unknown.
                contract.match(request.method().name(), request.path());
            }
            answer(call, unavailable("This part of the bus does not run just now; nothing was changed. Try again."));
        } catch (Problem unknown) {
            answer(
                    call,
                    unknown.status() == NOT_FOUND
                            ? Problem.noSuchOperation(request.method() + " " + request.path(), Optional.empty())
                            : unknown);
        }
    }

    private static Problem unavailable(String detail) {
        return Problem.unavailable(detail, RETRY_AFTER_SECONDS);
    }

    /** 413 wins over every other refusal except 429. */
    private Problem tooLarge(HttpServerRequest request) {
        Problem tooLarge = tooLarge();
        try {
            Operation operation =
                    contract.match(request.method().name(), request.path()).operation();
            ObjectNode credential = limits.identify(
                    request.getHeader("Authorization"),
                    operation.principals(),
                    request.remoteAddress().hostAddress());
            Problem problem = tooLarge;
            try {
                limits.draw(credential);
            } catch (Problem tooMany) {
                problem = tooMany;
            }
            keep(refusals.note(credential, operation.id(), problem));
            return problem;
        } catch (Problem refused) {
            return refused.status() == TOO_MANY ? refused : tooLarge;
        }
    }

    private void keep(Optional<Map<String, Object>> note) {
        // Sent to another thread, because the server's thread must not wait for the database.
        note.ifPresent(refusal ->
                background.asyncSend("direct:note-refusal", exchange -> exchange.setVariable("refusal", refusal)));
    }

    private Problem tooLarge() {
        return new Problem(
                TOO_LARGE,
                "body_too_large",
                "The body is larger than " + maxBytes + " bytes.",
                "body",
                null,
                "at most " + maxBytes + " bytes; put what is larger elsewhere and its address into the payload");
    }

    /** Answers hold job data, so no cache may store them and no browser may guess their type. */
    private static void protect(RoutingContext call) {
        call.response().putHeader("Cache-Control", "no-store").putHeader("X-Content-Type-Options", "nosniff");
    }

    /**
     * Answers a call with a problem.
     *
     * @param call a call without an answer
     * @param problem the problem
     */
    public static void answer(RoutingContext call, Problem problem) {
        protect(call);
        if (problem.retryAfterSeconds() > 0) {
            call.response().putHeader("Retry-After", Long.toString(problem.retryAfterSeconds()));
        }
        if (problem.status() == UNAUTHORIZED) {
            call.response().putHeader("WWW-Authenticate", "Bearer");
        }
        call.response()
                .setStatusCode(problem.status())
                .putHeader("Content-Type", "application/problem+json")
                .end(problem.toJson().toString());
    }
}
