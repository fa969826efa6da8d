package agentbus.console;

import agentbus.calls.CallLimits;
import agentbus.calls.Problems;
import agentbus.contract.Problem;
import agentbus.http.SameOrigin;
import agentbus.http.ServerAnswers;
import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vertx.core.Context;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.RoutingContext;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiFunction;
import java.util.stream.Collectors;
import org.apache.camel.Body;

/**
 * The live streams of the open pages (server-sent events). A stream says only which kinds of things have changed, and the
 * page reads what it shows again. Four events: {@code version} once with that of the console's files, {@code change} with a
 * list of kinds, {@code beat} every 15 seconds, and {@code stopping}.
 *
 * <p>The handlers run on the event loop of the HTTP server and never block it; the routes of watch-changes ask the
 * database. Thread-safe.
 */
public final class ConsoleStreams {
    /** Chosen: one for the page that people look at, and a few for tabs that cannot share it. */
    static final int MOST_OF_A_SESSION = 4;

    /** Stands for all kinds, also of later versions; a new stream gets it, so that no change before its first look is missed. */
    static final String EVERYTHING = "all";

    private static final List<String> PEOPLE = List.of("operator", "viewer");
    private static final int UNAUTHORIZED = 401;
    private static final long RETRY_AFTER_SECONDS = 5;
    /** How soon a browser connects again after a lost connection. Chosen: about the time of a restart. */
    private static final String START = "retry: 2000\n\n";

    private final CallLimits limits;
    private final SameOrigin origin;
    private final int most;
    private final Problems problems = new Problems();
    private final Set<Stream> streams = ConcurrentHashMap.newKeySet();
    private boolean stopping;
    private String since = "";

    /** Identifies the person behind a session: takes the credential and the address, and returns the principal. */
    interface Sessions extends BiFunction<ObjectNode, String, JsonNode> {}

    /** One open stream. All but its place in the set is used on the event loop of its connection. */
    private static final class Stream {
        private final String session;
        private final HttpServerResponse out;
        private final HttpConnection connection;
        private final Context loop;
        private String namespace;
        private volatile boolean live;
        private boolean told;

        Stream(String session, RoutingContext call, Context loop) {
            this.session = session;
            this.out = call.response();
            this.connection = call.request().connection();
            this.loop = loop;
        }
    }

    /**
     * Streams of one node.
     *
     * @param limits identifies the owners of sessions
     * @param origin refuses foreign pages
     * @param most the most streams at once
     */
    ConsoleStreams(CallLimits limits, SameOrigin origin, int most) {
        this.limits = limits;
        this.origin = origin;
        this.most = most;
    }

    /**
     * Opens a stream for the page of a session, or answers with a problem.
     *
     * @param call the request of a browser
     * @param version the version of the console's files, by which a page sees that the bus was updated
     * @param sessions asks the database, on a thread that may block
     */
    void open(RoutingContext call, String version, Sessions sessions) {
        HttpServerRequest request = call.request();
        String address = request.remoteAddress().hostAddress();
        try {
            String cookie = origin.session(request)
                    .orElseThrow(() -> new Problem(
                            UNAUTHORIZED,
                            "missing_token",
                            "This call has no session.",
                            origin.cookie(),
                            null,
                            "the cookie of POST /console/session"));
            origin.require(request);
            ObjectNode credential = limits.identifySession(cookie, PEOPLE, address);
            Stream stream = new Stream(
                    credential.get("sessionHash").textValue(),
                    call,
                    call.vertx().getOrCreateContext());
            admit(stream);
            call.response().closeHandler(gone -> streams.remove(stream)).exceptionHandler(lost -> drop(stream));
            call.vertx()
                    .executeBlocking(() -> sessions.apply(credential, address), false)
                    .onSuccess(principal -> begin(stream, version, principal))
                    .onFailure(refused -> {
                        streams.remove(stream);
                        ServerAnswers.answer(call, problems.of(refused));
                    });
        } catch (Problem refused) {
            ServerAnswers.answer(call, refused);
        }
    }

    private synchronized void admit(Stream stream) {
        long own = streams.stream()
                .filter(other -> other.session.equals(stream.session))
                .count();
        if (stopping || streams.size() >= most || own >= MOST_OF_A_SESSION) {
            throw Problem.unavailable(
                    stopping
                            ? "The bus is being stopped."
                            : "There are "
                                    + (own >= MOST_OF_A_SESSION
                                            ? own + " live streams of this session"
                                            : most + " live streams on this node")
                                    + " already.",
                    RETRY_AFTER_SECONDS);
        }
        streams.add(stream);
    }

    private void begin(Stream stream, String version, JsonNode principal) {
        if (stream.out.closed()) {
            streams.remove(stream);
            return;
        }
        stream.namespace = principal.path("namespace").textValue();
        stream.out
                .setChunked(true)
                .putHeader("Content-Type", "text/event-stream; charset=utf-8")
                .putHeader("Cache-Control", "no-store")
                // Tells nginx not to collect the events.
                .putHeader("X-Accel-Buffering", "no")
                .write(START);
        send(stream, "version", version);
        stream.live = true;
    }

    /** The number of streams on this node. */
    int count() {
        return streams.size();
    }

    /** Whether any page is open. */
    public boolean watched() {
        return streams.stream().anyMatch(stream -> stream.live);
    }

    /**
     * The parameter of the next look at the changes. A stream that has begun meanwhile gets all kinds.
     *
     * @return {@code since}, the state of the last look; empty for a first one
     */
    public synchronized Map<String, Object> since() {
        return Map.of("since", since);
    }

    /** Begins anew with the next look, because nobody was there for a while. */
    public synchronized void forget() {
        since = "";
    }

    /**
     * Tells the streams of what has changed.
     *
     * @param look the answer of the SQL function {@code console_changes}, JSON text
     * @throws JsonProcessingException when the database's answer is not JSON
     */
    public synchronized void changed(@Body String look) throws JsonProcessingException {
        JsonNode answer = Json.read(look);
        since = answer.path("since").toString();
        JsonNode changes = answer.path("changes");
        live().forEach(stream -> stream.loop.runOnContext(unused -> tell(stream, changes)));
    }

    private void tell(Stream stream, JsonNode changes) {
        String kinds = stream.told ? kinds(changes, stream.namespace) : EVERYTHING;
        stream.told = true;
        if (!kinds.isEmpty()) {
            send(stream, "change", kinds);
        }
    }

    /** The kinds that have changed in a namespace, or in any for null, joined by commas. */
    private static String kinds(JsonNode changes, String namespace) {
        Set<String> kinds = new TreeSet<>();
        changes.properties().stream()
                .filter(each -> namespace == null || each.getKey().equals(namespace))
                .forEach(each -> each.getValue().forEach(kind -> kinds.add(kind.asText())));
        return String.join(",", kinds);
    }

    /** Sends the sign of life by which a page knows that its stream is not dead. */
    public void beat() {
        live().forEach(stream -> stream.loop.runOnContext(unused -> send(stream, "beat", "")));
    }

    /** The sessions of the open streams, each as the SHA-256 of its cookie. */
    Set<String> sessions() {
        return streams.stream().map(stream -> stream.session).collect(Collectors.toSet());
    }

    /**
     * Ends the streams of a session.
     *
     * @param session the SHA-256 of its cookie
     */
    void end(String session) {
        streams.stream()
                .filter(stream -> stream.session.equals(session))
                .forEach(stream -> stream.loop.runOnContext(unused -> finish(stream)));
    }

    /** Tells all pages that the bus stops, ends their streams, and admits no more. */
    void stop() {
        synchronized (this) {
            stopping = true;
        }
        live().forEach(stream -> stream.loop.runOnContext(unused -> {
            send(stream, "stopping", "");
            finish(stream);
        }));
    }

    private Collection<Stream> live() {
        return streams.stream().filter(stream -> stream.live).toList();
    }

    private void send(Stream stream, String event, String data) {
        if (stream.out.ended() || stream.out.closed()) {
            streams.remove(stream);
        } else if (stream.out.writeQueueFull()) {
            // A reader that does not read must not fill the memory; it connects again.
            drop(stream);
        } else {
            stream.out.write("event: " + event + "\ndata: " + data + "\n\n");
        }
    }

    private void finish(Stream stream) {
        streams.remove(stream);
        if (!stream.out.ended() && !stream.out.closed()) {
            stream.out.end();
        }
    }

    private void drop(Stream stream) {
        streams.remove(stream);
        stream.connection.close();
    }
}
