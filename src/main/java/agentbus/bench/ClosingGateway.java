package agentbus.bench;

import agentbus.text.Json;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.RequestOptions;
import java.io.IOException;
import java.time.Instant;
import java.util.HashSet;
import java.util.Set;
import org.HdrHistogram.Histogram;

/**
 * The gateway and the agents of the bench, in a separate process. It admits every hook call at once and closes the job
 * over HTTP with the token in the prompt, like an agent's curl. It does nothing else, so that the bench measures the
 * bus; {@code agentbus.demo.SimulatedGateway} imitates OpenClaw. All code here runs on one event loop.
 */
final class ClosingGateway {
    /** The hook of {@code bench peers} for a side that is not the bus: that side finishes its job itself. */
    static final String PEER_HOOK = "/hooks/peer";

    private static final byte[] CLOSE = "{\"summary\":\"done by the bench\"}".getBytes();
    private static final String MARK = "sentAtMicros";
    private static final String TOKEN = "Bearer 'abt_";
    private static final long LONGEST_MICROS = 600_000_000L;
    /** The most closes at the same time; further closes wait. Chosen: the bus admits as many calls at the same time. */
    private static final int CONNECTIONS = 64;
    /** The most tries of a close that gets no answer; the curl in a prompt makes as many. */
    private static final int TRIES = 6;

    private static final long RETRY_MS = 200;

    private final Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
    private final HttpClient client = vertx.createHttpClient(new HttpClientOptions()
            .setMaxPoolSize(CONNECTIONS)
            .setKeepAlive(true)
            .setTcpNoDelay(true));
    private final Histogram arrivals = new Histogram(LONGEST_MICROS, 3);
    private final Histogram closes = new Histogram(LONGEST_MICROS, 3);
    private final Set<String> keys = new HashSet<>();
    private String[] busUrls = {};
    private int lastBus;
    private long hooks;
    private long repeated;
    private long closed;
    private long refused;
    private long unanswered;
    private long firstHookMicros;
    private long lastCloseMicros;

    private ClosingGateway() {}

    /**
     * Listens on a free port of 127.0.0.1 and prints the port on standard output. Ends at the end of standard input,
     * which is the end of the process that started it.
     *
     * @param args none
     * @throws IOException when standard input cannot be read
     */
    public static void main(String[] args) throws IOException {
        ClosingGateway gateway = new ClosingGateway();
        gateway.vertx
                .createHttpServer(new HttpServerOptions().setTcpNoDelay(true))
                .requestHandler(gateway::answer)
                .listen(0, "127.0.0.1")
                .onSuccess(server -> System.out.println(server.actualPort()))
                .onFailure(failure -> System.exit(1));
        while (System.in.read() >= 0) {
            // The bench writes nothing to this input; its end is the signal that the bench has ended.
            continue;
        }
        System.exit(0);
    }

    private void answer(HttpServerRequest request) {
        long arrived = micros();
        String path = request.path();
        if (path.startsWith("/hooks/")) {
            String key = request.getHeader("Idempotency-Key");
            request.body().onSuccess(body -> admit(request, key, body, arrived));
        } else if (path.equals("/readyz")) {
            request.response().putHeader("Content-Type", "application/json").end("{\"ready\":true}");
        } else if (path.equals("/bench/report")) {
            request.response().end(report().toString());
        } else if (path.equals("/bench/reset")) {
            request.body().onSuccess(body -> {
                reset();
                request.response().end("{}");
            });
        } else if (path.equals("/bench/bus")) {
            request.body().onSuccess(urls -> {
                busUrls = urls.toString().split("\n");
                request.response().end("{}");
            });
        } else {
            request.response().setStatusCode(404).end();
        }
    }

    private void admit(HttpServerRequest request, String key, Buffer body, long arrived) {
        hooks++;
        if (firstHookMicros == 0) {
            firstHookMicros = arrived;
        }
        boolean known = !keys.add(key);
        request.response()
                .putHeader("Content-Type", "application/json")
                .end("{\"ok\":true,\"runId\":\"bench-" + hooks + "\"}");
        if (known) {
            // Like a real gateway, it starts no second run for a known key.
            repeated++;
            return;
        }
        String text = body.toString();
        long sent = number(text, MARK);
        if (sent > 0) {
            arrivals.recordValue(Math.min(LONGEST_MICROS, Math.max(0, arrived - sent)));
        }
        if (request.path().equals(PEER_HOOK)) {
            return;
        }
        close(word(text, "\"jobId\":\"", '"'), "Bearer abt_" + word(text, TOKEN, ' '), 1);
    }

    private void close(String jobId, String authorization, int tried) {
        long began = micros();
        lastBus = (lastBus + 1) % busUrls.length;
        client.request(new RequestOptions()
                        .setMethod(HttpMethod.POST)
                        .setAbsoluteURI(busUrls[lastBus] + "/v1/jobs/" + jobId + "/complete")
                        .putHeader("Authorization", authorization)
                        .putHeader("Content-Type", "application/json"))
                .compose(request -> request.send(Buffer.buffer(CLOSE)))
                .compose(answer -> answer.end().map(done -> answer))
                .onSuccess(answer -> count(answer, began))
                .onFailure(failure -> {
                    if (tried < TRIES) {
                        vertx.setTimer(RETRY_MS, again -> close(jobId, authorization, tried + 1));
                    } else {
                        unanswered++;
                    }
                });
    }

    private void count(HttpClientResponse answer, long began) {
        if (answer.statusCode() == 200) {
            closed++;
            lastCloseMicros = micros();
            closes.recordValue(Math.min(LONGEST_MICROS, micros() - began));
        } else {
            refused++;
        }
    }

    private void reset() {
        hooks = 0;
        repeated = 0;
        closed = 0;
        refused = 0;
        unanswered = 0;
        firstHookMicros = 0;
        lastCloseMicros = 0;
        arrivals.reset();
        closes.reset();
        keys.clear();
    }

    private ObjectNode report() {
        ObjectNode report = Json.object()
                .put("hooks", hooks)
                .put("repeatedHooks", repeated)
                .put("closed", closed)
                .put("closesRefused", refused)
                .put("closesUnanswered", unanswered)
                .put("firstHookMicros", firstHookMicros)
                .put("lastCloseMicros", lastCloseMicros);
        report.set("arrival", Percentiles.of(arrivals));
        report.set("close", Percentiles.of(closes));
        return report;
    }

    private static String word(String text, String before, char end) {
        int from = text.indexOf(before) + before.length();
        return text.substring(from, text.indexOf(end, from));
    }

    /** The number after a name in a JSON text that is a string within JSON; 0 when the name is missing. */
    private static long number(String text, String name) {
        int at = text.indexOf(name);
        if (at < 0) {
            return 0;
        }
        long value = 0;
        boolean begun = false;
        for (int i = at + name.length(); i < text.length(); i++) {
            char c = text.charAt(i);
            if (c >= '0' && c <= '9') {
                value = value * 10 + (c - '0');
                begun = true;
            } else if (begun) {
                break;
            }
        }
        return value;
    }

    /** Microseconds since the epoch, by the clock that all processes of a machine share. */
    static long micros() {
        Instant now = Instant.now();
        return now.getEpochSecond() * 1_000_000 + now.getNano() / 1000;
    }
}
