package agentbus.gateway;

import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;

/**
 * A model that speaks OpenAI's chat completions, streamed, and does what a script says. It takes no time of its own, so what a
 * flow takes is the bus's and the gateway's. It ends its turn when it has done what the script says and the tool has answered.
 */
final class ScriptedModel implements AutoCloseable {
    /** Ours: how soon a caller that has hung up is noticed. */
    private static final long LOOK_MS = 100;

    private final HttpServer server;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final Queue<Told> told = new ConcurrentLinkedQueue<>();
    private final Queue<String> toolAnswers = new ConcurrentLinkedQueue<>();
    private final Map<UUID, Instant> hungUp = new ConcurrentHashMap<>();
    private final Map<UUID, Instant> asked = new ConcurrentHashMap<>();
    private final Map<String, Instant> spoke = new ConcurrentHashMap<>();
    private final AtomicInteger thinking = new AtomicInteger();
    private final AtomicInteger mostThinking = new AtomicInteger();
    private volatile Function<Told, Move> script;

    /**
     * Starts it on a free port of 127.0.0.1.
     *
     * @param script what it does when it is told of a job
     */
    ScriptedModel(Function<Told, Move> script) {
        this.script = script;
        try {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        } catch (IOException e) {
            throw new IllegalStateException("no port for the model", e);
        }
        server.createContext("/v1/chat/completions", this::complete);
        server.setExecutor(threads);
        server.start();
    }

    /** Its address, as a provider's baseUrl. */
    String baseUrl() {
        return "http://127.0.0.1:" + server.getAddress().getPort() + "/v1";
    }

    /**
     * Gives it another script.
     *
     * @param next what it does from now on
     */
    void script(Function<Told, Move> next) {
        script = next;
    }

    /** Every prompt it was given, in order; again when it is asked again. */
    List<Told> told() {
        return List.copyOf(told);
    }

    /** What the tools that closed a job have answered, in order. */
    List<String> toolAnswers() {
        return List.copyOf(toolAnswers);
    }

    /** When the caller of a job that it thought about hung up; null when it did not. */
    Instant hungUp(UUID job) {
        return hungUp.get(job);
    }

    /** When it was first told of a job; null when it was not. */
    Instant asked(UUID job) {
        return asked.get(job);
    }

    /**
     * When it last ended an answer.
     *
     * @param job about which job
     * @param attempt and which attempt at it
     * @return the time; null when it did not
     */
    Instant spoke(UUID job, int attempt) {
        return spoke.get(job + "/" + attempt);
    }

    /** How many jobs it thinks about right now. */
    int thinking() {
        return thinking.get();
    }

    /** How many jobs it has thought about at once. */
    int mostThinking() {
        return mostThinking.get();
    }

    private void complete(HttpExchange exchange) throws IOException {
        try (exchange) {
            JsonNode messages =
                    Json.read(exchange.getRequestBody().readAllBytes()).path("messages");
            exchange.getResponseHeaders().set("Content-Type", "text/event-stream");
            exchange.sendResponseHeaders(200, 0);
            OutputStream out = exchange.getResponseBody();
            Told job = lastTold(messages);
            List<String> answers = toolAnswers(messages);
            if (job == null) {
                // A turn of a main session, such as a heartbeat's.
                say(out, "NO_REPLY");
            } else {
                asked.putIfAbsent(job.jobId(), Instant.now());
                told.add(job);
                next(out, job, answers);
            }
            if (job != null) {
                spoke.put(job.jobId() + "/" + job.attempt(), Instant.now());
            }
        }
    }

    /** A piece of work for each answer that a tool has given; what comes after the last closes the turn. */
    private void next(OutputStream out, Told job, List<String> answers) throws IOException {
        Move move = script.apply(job);
        int left = answers.size();
        while (left > 0 && move instanceof Move.Work work) {
            move = work.then();
            left--;
        }
        if (left > 0) {
            toolAnswers.add(answers.get(answers.size() - 1));
            say(out, "That is all.");
        } else {
            act(out, job, move);
        }
    }

    private void act(OutputStream out, Told job, Move move) throws IOException {
        if (move instanceof Move.Curl curl) {
            shell(out, job.command(curl.outcome(), curl.json()));
        } else if (move instanceof Move.Work work) {
            shell(out, work.command());
        } else if (move instanceof Move.Tool tool) {
            ObjectNode arguments = Json.tree(tool.arguments());
            call(
                    out,
                    tool.tool(),
                    arguments.put("jobId", job.jobId().toString()).put("token", job.token()));
        } else if (move instanceof Move.Say say) {
            say(out, say.text());
        } else if (move instanceof Move.Think think) {
            think(out, job, think);
            act(out, job, think.then());
        }
    }

    private void think(OutputStream out, Told job, Move.Think think) throws IOException {
        mostThinking.accumulateAndGet(thinking.incrementAndGet(), Math::max);
        try {
            while (!think.until().await(LOOK_MS, TimeUnit.MILLISECONDS)) {
                // A comment: nobody reads it, but writing it fails when the caller has hung up.
                out.write(": thinking\n\n".getBytes(StandardCharsets.UTF_8));
                out.flush();
            }
        } catch (IOException e) {
            hungUp.put(job.jobId(), Instant.now());
            throw e;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("the model stops", e);
        } finally {
            thinking.decrementAndGet();
        }
    }

    private static void shell(OutputStream out, String command) throws IOException {
        call(out, "exec", Json.object().put("command", command));
    }

    private static void call(OutputStream out, String tool, ObjectNode arguments) throws IOException {
        ObjectNode delta = Json.object().put("role", "assistant");
        ObjectNode call = delta.putArray("tool_calls").addObject();
        call.put("index", 0).put("id", "call_" + UUID.randomUUID()).put("type", "function");
        call.putObject("function").put("name", tool).put("arguments", arguments.toString());
        stream(out, delta, "tool_calls");
    }

    private static void say(OutputStream out, String text) throws IOException {
        stream(out, Json.object().put("role", "assistant").put("content", text), "stop");
    }

    private static void stream(OutputStream out, ObjectNode delta, String reason) throws IOException {
        String chunks =
                "data: " + chunk(delta, null) + "\n\ndata: " + chunk(Json.object(), reason) + "\n\ndata: [DONE]\n\n";
        out.write(chunks.getBytes(StandardCharsets.UTF_8));
    }

    private static ObjectNode chunk(ObjectNode delta, String reason) {
        ObjectNode chunk = Json.object();
        chunk.put("id", "c1")
                .put("object", "chat.completion.chunk")
                .put("created", 1)
                .put("model", "scripted");
        chunk.putArray("choices")
                .addObject()
                .put("index", 0)
                .put("finish_reason", reason)
                .set("delta", delta);
        if (reason != null) {
            chunk.putObject("usage")
                    .put("prompt_tokens", 100)
                    .put("completion_tokens", 10)
                    .put("total_tokens", 110);
        }
        return chunk;
    }

    /** The last prompt of a job; a session holds those of earlier attempts, too. */
    private static Told lastTold(JsonNode messages) {
        Told last = null;
        for (JsonNode message : messages) {
            Told one = told(message);
            last = one == null ? last : one;
        }
        return last;
    }

    /** What tools have answered since the last prompt; the gateway may add notes of its own after that. */
    private static List<String> toolAnswers(JsonNode messages) {
        List<String> answers = new ArrayList<>();
        for (JsonNode message : messages) {
            if (told(message) != null) {
                answers.clear();
            } else if (message.path("role").asText().equals("tool")) {
                answers.add(text(message.path("content")));
            }
        }
        return answers;
    }

    private static Told told(JsonNode message) {
        return message.path("role").asText().equals("user") ? Told.of(text(message.path("content"))) : null;
    }

    private static String text(JsonNode content) {
        if (content.isTextual()) {
            return content.asText();
        }
        StringBuilder all = new StringBuilder();
        content.forEach(part -> all.append(part.path("text").asText()));
        return all.toString();
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
