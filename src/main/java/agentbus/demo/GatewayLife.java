package agentbus.demo;

import agentbus.text.Sha256;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ScheduledExecutorService;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A gateway from one start to the next crash: its socket, and the state that a real gateway keeps in memory. */
final class GatewayLife {

    private static final Logger LOG = LoggerFactory.getLogger(GatewayLife.class);
    /** The most connections that may wait to be accepted; the system's limit may be lower. */
    private static final int BACKLOG = 1_024;
    /** The path prefix of all hooks, which is OpenClaw's default. */
    private static final String HOOKS = "/hooks";
    /** The largest body, 256 KiB: OpenClaw 2026.9.6 took 261,049 bytes and refused 270,049 (measured). */
    private static final int BODY_BYTES = 256 * 1_024;
    /**
     * Bytes of a too large body that are read and dropped. Chosen: above any test's body, so that the client reads the
     * 413, not a reset.
     */
    private static final int DISCARD_BYTES = 4 * 1_024 * 1_024;
    /** The bad tokens of one window that get status 401; further ones get 429. Measured on OpenClaw 2026.9.6. */
    private static final int BAD_TOKENS = 20;
    /** The longest idempotency key in characters (documentation of OpenClaw 2026.9.6); longer keys are ignored. */
    private static final int KEY_LENGTH = 256;

    private final GatewayOptions options;
    private final GatewayWatch watch;
    private final HookForms forms;
    private final RunSlots slots;
    private final IdempotencyCache cache;
    private final BadTokenLimit badTokens;
    private final byte[] token;
    private final HttpServer server;

    GatewayLife(
            GatewayOptions options,
            int port,
            RunHandler handler,
            GatewayWatch watch,
            ScheduledExecutorService timer,
            ExecutorService workers)
            throws IOException {
        this.options = options;
        this.watch = watch;
        this.forms = new HookForms(options);
        this.slots = new RunSlots(options, handler, watch, timer, workers);
        this.cache = new IdempotencyCache(options.idempotencyWindow(), options.idempotencyEntries());
        this.badTokens = new BadTokenLimit(BAD_TOKENS, options.badTokenWindow());
        this.token = options.hookToken().getBytes(StandardCharsets.UTF_8);
        this.server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), BACKLOG);
        server.setExecutor(workers);
        server.createContext("/", this::handle);
        server.start();
    }

    int port() {
        return server.getAddress().getPort();
    }

    void kill() {
        slots.kill();
        server.stop(0);
    }

    private void handle(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getPath();
        // OpenClaw takes any Upgrade for a WebSocket. java.net.http sends one for HTTP/2 unless it is set to HTTP/1.1.
        if (exchange.getRequestHeaders().containsKey("Upgrade")) {
            write(exchange, GatewayAnswer.text(405, "Invalid HTTP method"));
        } else if (path.equals(HOOKS) || path.startsWith(HOOKS + "/")) {
            hook(exchange, path, watch.received(exchange.getRequestMethod(), path));
        } else if (path.equals("/healthz")) {
            write(exchange, GatewayAnswer.live());
        } else if (path.equals("/readyz")) {
            write(exchange, GatewayAnswer.ready(watch.draining()));
        } else {
            write(exchange, GatewayAnswer.text(404, "Not Found"));
        }
    }

    private void hook(HttpExchange exchange, String path, GatewayWatch.Request request) throws IOException {
        Optional<GatewayAnswer> refusal = checkDoor(exchange);
        if (refusal.isPresent()) {
            answer(exchange, request, refusal.get());
            return;
        }
        String subPath = path.substring(HOOKS.length());
        String headerKey = key(exchange.getRequestHeaders());
        if (!request.readsBody(HookForms.agentOf(subPath, MissingNode.getInstance()), headerKey)) {
            // The connection stays open on purpose, until this gateway is killed.
            return;
        }
        byte[] body;
        try (InputStream in = exchange.getRequestBody()) {
            body = in.readNBytes(BODY_BYTES + 1);
            if (body.length > BODY_BYTES) {
                // Not skip(): the JDK's stream does not count skipped bytes, and then waits for bytes that never come.
                in.readNBytes(DISCARD_BYTES);
                answer(exchange, request, GatewayAnswer.payloadTooLarge());
                return;
            }
        }
        run(exchange, request, path, headerKey, body);
    }

    private void run(HttpExchange exchange, GatewayWatch.Request request, String path, String headerKey, byte[] body) {
        String subPath = path.substring(HOOKS.length());
        JsonNode payload;
        GatewayAnswer broken = null;
        try {
            payload = forms.parse(body);
        } catch (JsonProcessingException e) {
            payload = MissingNode.getInstance();
            broken = HookForms.brokenJson(e);
        }
        String key = headerKey.isEmpty() ? usable(payload.path("idempotencyKey").asText("")) : headerKey;
        GatewayAnswer refusal =
                request.instead(HookForms.agentOf(subPath, payload), key, body).orElse(broken);
        if (refusal != null) {
            answer(exchange, request, refusal);
            return;
        }
        HookForms.Reading reading = forms.read(subPath, payload, key);
        if (reading instanceof HookForms.Accepted accepted) {
            admit(exchange, request, path, accepted);
        } else if (reading instanceof HookForms.Refused refused) {
            answer(exchange, request, refused.answer());
        }
    }

    private void admit(HttpExchange exchange, GatewayWatch.Request request, String path, HookForms.Accepted accepted) {
        Admission fresh = new Admission(accepted.run());
        Admission admission = fresh;
        if (!accepted.run().idempotencyKey().isEmpty()) {
            String fingerprint = Sha256.hex(accepted.run().idempotencyKey() + "\n" + path + "\n" + accepted.fields());
            admission = cache.findOrRemember(fingerprint, fresh).orElse(fresh);
            if (admission == fresh) {
                fresh.bookkeeping(() -> cache.forget(fingerprint, fresh), () -> cache.ended(fingerprint, fresh));
            }
        }
        String runId = admission.run().runId();
        admission.admitted().thenAccept(started -> {
            if (!started) {
                answer(exchange, request, GatewayAnswer.notAdmitted(runId));
            } else if (!accepted.waitForCompletion()) {
                answer(exchange, request, GatewayAnswer.admitted(runId));
            }
        });
        if (accepted.waitForCompletion()) {
            admission.ended().thenAccept(end -> answer(exchange, request, GatewayAnswer.completed(runId, end)));
        }
        if (admission == fresh) {
            slots.submit(fresh);
        }
    }

    /** The checks before the body is read. */
    private Optional<GatewayAnswer> checkDoor(HttpExchange exchange) {
        if (watch.draining()) {
            return Optional.of(GatewayAnswer.draining());
        }
        String query = exchange.getRequestURI().getRawQuery();
        if (query != null && ("&" + query).contains("&token=")) {
            return Optional.of(GatewayAnswer.tokenInQuery());
        }
        if (!exchange.getRequestMethod().equals("POST")) {
            return Optional.of(GatewayAnswer.methodNotAllowed());
        }
        if (MessageDigest.isEqual(token, presentedToken(exchange.getRequestHeaders()))) {
            badTokens.good();
            return Optional.empty();
        }
        long retryAfter = badTokens.bad();
        return Optional.of(
                retryAfter > 0 ? GatewayAnswer.tooManyRequests(retryAfter) : GatewayAnswer.text(401, "Unauthorized"));
    }

    private static byte[] presentedToken(Headers headers) {
        String authorization = headers.getFirst("Authorization");
        String presented = headers.getFirst("X-OpenClaw-Token");
        if (authorization != null && authorization.regionMatches(true, 0, "Bearer ", 0, 7)) {
            presented = authorization.substring(7).strip();
        }
        return (presented == null ? "" : presented).getBytes(StandardCharsets.UTF_8);
    }

    private static String key(Headers headers) {
        String key = headers.getFirst("Idempotency-Key");
        if (key == null || usable(key).isEmpty()) {
            key = headers.getFirst("X-OpenClaw-Idempotency-Key");
        }
        return key == null ? "" : usable(key);
    }

    private static String usable(String key) {
        String stripped = key.strip();
        return stripped.length() > KEY_LENGTH ? "" : stripped;
    }

    private static void answer(HttpExchange exchange, GatewayWatch.Request request, GatewayAnswer answer) {
        // Closing an exchange without a response makes the server drop the connection.
        request.answer(answer.status(), () -> write(exchange, answer), exchange::close);
    }

    private static void write(HttpExchange exchange, GatewayAnswer answer) {
        try (exchange) {
            Headers headers = exchange.getResponseHeaders();
            headers.set("Content-Type", answer.contentType());
            if (!answer.headers().containsKey("Connection")) {
                headers.set("Connection", "keep-alive");
                headers.set("Keep-Alive", "timeout=5");
            }
            answer.headers().forEach(headers::set);
            byte[] body = answer.body().getBytes(StandardCharsets.UTF_8);
            boolean empty = body.length == 0 || exchange.getRequestMethod().equals("HEAD");
            exchange.sendResponseHeaders(answer.status(), empty ? -1 : body.length);
            if (!empty) {
                exchange.getResponseBody().write(body);
            }
        } catch (IOException e) {
            LOG.debug("The client of {} left before its answer: {}", exchange.getRequestURI(), e.getMessage());
        }
    }
}
