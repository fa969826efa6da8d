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
 * A model with streamed OpenAI chat completions that follows a script. It needs no time itself, so measured times
 * belong to the bus and the gateway. It ends its turn after the script's last move and the tool's answer.
 */
final class ScriptedModel implements AutoCloseable {
    /** Chosen: the model notices within 0.1 s that its caller has hung up. */
    private static final long LOOK_MS = 100;

    private final HttpServer server;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final Queue<Told> told = new ConcurrentLinkedQueue<>();
    private final Queue<JsonNode> chats = new ConcurrentLinkedQueue<>();
    private final Queue<String> toolAnswers = new ConcurrentLinkedQueue<>();
    private final Map<UUID, List<String>> answers = new ConcurrentHashMap<>();
    private final Map<UUID, Instant> hungUp = new ConcurrentHashMap<>();
    private final Map<UUID, Instant> asked = new ConcurrentHashMap<>();
    private final Map<String, Instant> spoke = new ConcurrentHashMap<>();
    private final AtomicInteger thinking = new AtomicInteger();
    private final AtomicInteger mostThinking = new AtomicInteger();
    private volatile Function<Told, Move> script;

    /**
     * Starts the model on a free port of 127.0.0.1.
     *
     * @param script its moves, by prompt
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
     * Replaces the script.
     *
     * @param next the new script
     */
    void script(Function<Told, Move> next) {
        script = next;
    }

    /** All prompts so far, in order; a repeated prompt is listed again. */
    List<Told> told() {
        return List.copyOf(told);
    }

    /** The requests that belong to no job, such as those of a person's chat, in order. */
    List<JsonNode> chats() {
        return List.copyOf(chats);
    }

    /** The answers of the tools that closed jobs, in order. */
    List<String> toolAnswers() {
        return List.copyOf(toolAnswers);
    }

    /**
     * The answers of the tools that a job has called so far, in order; empty before the first.
     *
     * @param job the job
     * @return the answers of its last attempt
     */
    List<String> answers(UUID job) {
        return answers.getOrDefault(job, List.of());
    }

    /** The time at which the caller hung up during a job's Think; null if it did not. */
    Instant hungUp(UUID job) {
        return hungUp.get(job);
    }

    /** The time of a job's first prompt; null without one. */
    Instant asked(UUID job) {
        return asked.get(job);
    }

    /**
     * The end of its last answer.
     *
     * @param job the job
     * @param attempt the number of the attempt
     * @return the time; null without an answer
     */
    Instant spoke(UUID job, int attempt) {
        return spoke.get(job + "/" + attempt);
    }

    /** The number of jobs in Think at the moment. */
    int thinking() {
        return thinking.get();
    }

    /** The most jobs in Think at once. */
    int mostThinking() {
        return mostThinking.get();
    }

    private void complete(HttpExchange exchange) throws IOException {
        try (exchange) {
            JsonNode request = Json.read(exchange.getRequestBody().readAllBytes());
            JsonNode messages = request.path("messages");
            exchange.getResponseHeaders().set("Content-Type", "text/event-stream");
            exchange.sendResponseHeaders(200, 0);
            OutputStream out = exchange.getResponseBody();
            Told job = lastTold(messages);
            List<String> seen = toolAnswers(messages);
            if (job == null) {
                // A turn in a main session: a heartbeat wants no reply, and a person does.
                chats.add(request);
                say(out, isHello(messages) ? "Hello." : "NO_REPLY");
            } else {
                asked.putIfAbsent(job.jobId(), Instant.now());
                told.add(job);
                answers.put(job.jobId(), seen);
                next(out, job, seen);
            }
            if (job != null) {
                spoke.put(job.jobId() + "/" + job.attempt(), Instant.now());
            }
        }
    }

    /**
     * Makes the next move: one Step per answer of a tool, and then the move that ends the turn. A Think before an answer
     * is over.
     */
    private void next(OutputStream out, Told job, List<String> seen) throws IOException {
        Move move = script.apply(job);
        int left = seen.size();
        while (left > 0) {
            if (move instanceof Move.Step step) {
                move = step.then();
                left--;
            } else if (move instanceof Move.Think think) {
                move = think.then();
            } else {
                break;
            }
        }
        if (left > 0) {
            toolAnswers.add(seen.get(seen.size() - 1));
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
        } else if (move instanceof Move.Call call) {
            call(out, call.tool(), call.arguments().deepCopy().put("token", job.token()));
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
                // A comment line of the stream: clients ignore it, and writing it fails when the caller has hung up.
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

    /** The last prompt; a session also contains the prompts of earlier attempts. */
    private static Told lastTold(JsonNode messages) {
        Told last = null;
        for (JsonNode message : messages) {
            Told one = told(message);
            last = one == null ? last : one;
        }
        return last;
    }

    /** The tools' answers since the last prompt; the gateway may add notes after them. */
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

    /** Whether a person has spoken in this session; the gateway may add messages of its own after that. */
    private static boolean isHello(JsonNode messages) {
        for (JsonNode message : messages) {
            if (message.path("role").asText().equals("user")
                    && text(message.path("content")).contains("hello")) {
                return true;
            }
        }
        return false;
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
