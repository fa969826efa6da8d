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
import java.util.Collections;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One life of a gateway, from its start to its crash: the socket, and all that a real gateway only holds in memory.
 */
final class GatewayLife {

    private static final Logger LOG = LoggerFactory.getLogger(GatewayLife.class);
    /** Connections that may wait to be accepted; the system's limit may be lower. */
    private static final int BACKLOG = 1_024;
    /** Ours: what is thrown away of a too large body, so that the client reads the 413 and not a reset. */
    private static final int DISCARD_BYTES = 4 * 1_024 * 1_024;
    /** Longer keys are ignored; 256 characters by the documentation of OpenClaw 2026.9.6. */
    private static final int KEY_LENGTH = 256;

    private final GatewayOptions options;
    private final GatewayLedger ledger;
    private final FaultPlan faults;
    private final ScheduledExecutorService timer;
    private final ExecutorService workers;
    private final HookForms forms;
    private final RunSlots slots;
    private final IdempotencyCache cache;
    private final BadTokenLimit badTokens;
    private final byte[] token;
    private final HttpServer server;
    private volatile boolean draining;

    GatewayLife(
            GatewayOptions options,
            int port,
            RunHandler handler,
            GatewayLedger ledger,
            FaultPlan faults,
            ScheduledExecutorService timer,
            ExecutorService workers,
            BiConsumer<AdmittedRun, RunEnd> plugin)
            throws IOException {
        this.options = options;
        this.ledger = ledger;
        this.faults = faults;
        this.timer = timer;
        this.workers = workers;
        this.forms = new HookForms(options);
        this.slots = new RunSlots(options, handler, ledger, timer, workers, plugin);
        this.cache = new IdempotencyCache(options.idempotencyWindow(), options.idempotencyEntries());
        this.badTokens = new BadTokenLimit(options.badTokenLimit(), options.badTokenWindow());
        this.token = options.hookToken().getBytes(StandardCharsets.UTF_8);
        this.server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), BACKLOG);
        server.setExecutor(workers);
        server.createContext("/", this::handle);
        server.start();
    }

    int port() {
        return server.getAddress().getPort();
    }

    void draining(boolean value) {
        draining = value;
    }

    void kill() {
        slots.kill();
        server.stop(0);
    }

    private void handle(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getPath();
        // Any Upgrade is taken for a WebSocket; java.net.http sends one for HTTP/2 unless told to speak 1.1.
        if (exchange.getRequestHeaders().containsKey("Upgrade")) {
            write(exchange, GatewayAnswer.text(405, "Invalid HTTP method"));
        } else if (path.equals(options.hookPath()) || path.startsWith(options.hookPath() + "/")) {
            hook(exchange, path, ledger.received(exchange.getRequestMethod(), path));
        } else if (path.equals("/healthz")) {
            write(exchange, GatewayAnswer.live());
        } else if (path.equals("/readyz")) {
            write(exchange, GatewayAnswer.ready(draining));
        } else {
            write(exchange, GatewayAnswer.text(404, "Not Found"));
        }
    }

    private void hook(HttpExchange exchange, String path, GatewayLedger.RequestEntry entry) throws IOException {
        Optional<GatewayAnswer> refusal = checkDoor(exchange);
        if (refusal.isPresent()) {
            answer(exchange, entry, Optional.empty(), refusal.get());
            return;
        }
        Headers headers = exchange.getRequestHeaders();
        String subPath = path.substring(options.hookPath().length());
        String headerKey = key(headers);
        HookRequest head = new HookRequest(
                exchange.getRequestMethod(),
                path,
                HookForms.agentOf(subPath, MissingNode.getInstance()),
                headerKey,
                Collections.unmodifiableMap(headers),
                "");
        if (faults.take(head, false).isPresent()) {
            // Left open on purpose; only the end of this life closes it.
            return;
        }
        byte[] body;
        try (InputStream in = exchange.getRequestBody()) {
            body = in.readNBytes(options.bodyLimitBytes() + 1);
            if (body.length > options.bodyLimitBytes()) {
                in.skip(DISCARD_BYTES);
                answer(exchange, entry, Optional.empty(), GatewayAnswer.payloadTooLarge());
                return;
            }
        }
        run(exchange, entry, head, subPath, body);
    }

    private void run(
            HttpExchange exchange, GatewayLedger.RequestEntry entry, HookRequest head, String subPath, byte[] body) {
        JsonNode payload;
        Optional<GatewayAnswer> broken = Optional.empty();
        try {
            payload = forms.parse(body);
        } catch (JsonProcessingException e) {
            payload = MissingNode.getInstance();
            broken = Optional.of(HookForms.brokenJson(e));
        }
        String agent = HookForms.agentOf(subPath, payload);
        String key = head.idempotencyKey().isEmpty()
                ? usable(payload.path("idempotencyKey").asText(""))
                : head.idempotencyKey();
        entry.read(agent, key, ledger.keepsEntries() ? Sha256.hex(body) : "");
        Optional<Fault> fault = faults.take(
                new HookRequest(
                        head.method(),
                        head.path(),
                        agent,
                        key,
                        head.headers(),
                        new String(body, StandardCharsets.UTF_8)),
                true);
        if (fault.isPresent() && fault.get() instanceof Fault.Answer instead) {
            answer(exchange, entry, Optional.empty(), GatewayAnswer.of(instead));
        } else if (broken.isPresent()) {
            answer(exchange, entry, fault, broken.get());
        } else {
            HookForms.Reading reading = forms.read(subPath, payload, key);
            if (reading instanceof HookForms.Accepted accepted) {
                admit(exchange, entry, fault, head.path(), accepted);
            } else if (reading instanceof HookForms.Refused refused) {
                answer(exchange, entry, fault, refused.answer());
            }
        }
    }

    private void admit(
            HttpExchange exchange,
            GatewayLedger.RequestEntry entry,
            Optional<Fault> fault,
            String path,
            HookForms.Accepted accepted) {
        Admission fresh = new Admission(accepted.run());
        Admission admission = fresh;
        if (!accepted.run().idempotencyKey().isEmpty()) {
            String fingerprint = Sha256.hex((accepted.run().idempotencyKey() + "\n" + path + "\n" + accepted.fields())
                    .getBytes(StandardCharsets.UTF_8));
            admission = cache.findOrRemember(fingerprint, fresh).orElse(fresh);
            if (admission == fresh) {
                fresh.bookkeeping(() -> cache.forget(fingerprint, fresh), () -> cache.ended(fingerprint, fresh));
            }
        }
        Admission answered = admission;
        String runId = answered.run().runId();
        answered.admitted().thenAccept(started -> {
            if (!started) {
                answer(exchange, entry, fault, GatewayAnswer.notAdmitted(runId));
            } else if (!accepted.waitForCompletion()) {
                answer(exchange, entry, fault, GatewayAnswer.admitted(runId));
            }
        });
        if (accepted.waitForCompletion()) {
            answered.ended().thenAccept(end -> answer(exchange, entry, fault, GatewayAnswer.completed(runId, end)));
        }
        if (answered == fresh) {
            slots.submit(fresh);
        }
    }

    /** What is checked before the body is read. */
    private Optional<GatewayAnswer> checkDoor(HttpExchange exchange) {
        if (draining) {
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

    private void answer(
            HttpExchange exchange, GatewayLedger.RequestEntry entry, Optional<Fault> fault, GatewayAnswer answer) {
        if (fault.isPresent() && fault.get() instanceof Fault.CutConnection) {
            entry.answered(GatewayLedger.ReceivedRequest.CUT);
            // Closed without a response: the server drops the connection.
            exchange.close();
        } else if (fault.isPresent() && fault.get() instanceof Fault.DelayAnswer delay) {
            schedule(delay.by().toNanos(), () -> answer(exchange, entry, Optional.empty(), answer));
        } else {
            // Before the write, so that whoever has the answer finds it in the ledger.
            entry.answered(answer.status());
            write(exchange, answer);
        }
    }

    private void schedule(long nanos, Runnable task) {
        try {
            timer.schedule(() -> workers.execute(task), nanos, TimeUnit.NANOSECONDS);
        } catch (RejectedExecutionException e) {
            LOG.debug("The gateway is closed; a late answer was dropped");
        }
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
