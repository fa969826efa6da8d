package chaos;

import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;

/**
 * A steady stream of jobs through the HTTP door. A request without an answer is repeated with the same dedupe key until it
 * has one; the bus owes each job that it has accepted.
 */
final class Load implements AutoCloseable {
    private static final Duration ANSWER = Duration.ofSeconds(5);
    private static final int SLEEPERS = 3;
    /** Chosen: shorter than a sleeper's sleep, so that its attempt times out. */
    private static final int SLEEPERS_TIMEOUT_SECONDS = 4;

    private final URI url;
    private final String token;
    private final String name;
    private final Map<String, String> owed = new ConcurrentHashMap<>();
    private final AtomicInteger asked = new AtomicInteger();
    private final AtomicInteger repeated = new AtomicInteger();
    private final AtomicReference<String> refused = new AtomicReference<>();
    private final ScheduledExecutorService clock = Executors.newScheduledThreadPool(1, task -> {
        Thread thread = new Thread(task, "load");
        thread.setDaemon(true);
        return thread;
    });
    private final HttpClient client = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(ANSWER)
            .build();
    private final java.util.concurrent.ScheduledFuture<?> ticking;

    /** Starts the load: a few jobs for the sleeper, then so many jobs a second for the other agents in turn. */
    Load(URI door, String token, String name, double perSecond, java.util.List<String> agents) {
        this.url = door.resolve("/v1/jobs");
        this.token = token;
        this.name = name;
        this.ticking = clock.scheduleAtFixedRate(
                () -> {
                    int number = asked.getAndIncrement();
                    boolean sleeps = number < SLEEPERS;
                    ask(number, sleeps ? Workers.SLEEPER : agents.get(number % agents.size()), sleeps);
                },
                0,
                (long) (1_000_000 / perSecond),
                TimeUnit.MICROSECONDS);
    }

    /** Asks for no further jobs; requests without an answer are repeated until they have one. */
    void stop() {
        ticking.cancel(false);
    }

    /** How many jobs were asked for. */
    int asked() {
        return asked.get();
    }

    /** The number of requests that were repeated because they got no answer. */
    int repeated() {
        return repeated.get();
    }

    /** The jobs that the bus has accepted: id by dedupe key. */
    Map<String, String> owed() {
        return Map.copyOf(owed);
    }

    /** The reason of the bus's refusal, or null. */
    String refused() {
        return refused.get();
    }

    private void ask(int number, String agent, boolean sleeps) {
        String key = name + "-" + number;
        String body = "{\"targetAgent\": \"" + agent + "\", \"subject\": \"work\", \"dedupeKey\": \"" + key + "\""
                + (sleeps ? ", \"timeoutSeconds\": " + SLEEPERS_TIMEOUT_SECONDS : "") + "}";
        HttpRequest request = HttpRequest.newBuilder(url)
                .timeout(ANSWER)
                .header("Authorization", "Bearer " + token)
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(body))
                .build();
        send(key, request);
    }

    private void send(String key, HttpRequest request) {
        client.sendAsync(request, BodyHandlers.ofString()).whenComplete((answer, failure) -> {
            if (failure != null || answer.statusCode() >= 500) {
                repeated.incrementAndGet();
                again(() -> {
                    send(key, request);
                    return null;
                });
            } else if (answer.statusCode() < 300) {
                owed.put(key, jobId(answer));
            } else {
                refused.set(answer.body());
            }
        });
    }

    private void again(Supplier<Void> task) {
        try {
            clock.schedule(task::get, 300, TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException closed) {
            // The test is over.
        }
    }

    private static String jobId(HttpResponse<String> answer) {
        try {
            return Json.read(answer.body()).at("/job/jobId").asText();
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("no JSON: " + answer.body(), e);
        }
    }

    @Override
    public void close() {
        clock.shutdownNow();
    }
}
