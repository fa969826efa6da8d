package agentbus.bench;

import agentbus.text.Json;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.RequestOptions;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

/** Jobs that come at a steady rate, or as fast as the bus takes them. */
final class Load {
    /** Calls at once; enough that a call is made on time while others wait for their answers. */
    private static final int CALLERS = 64;
    /** Of the warm-up, which has no rate: a call begins as soon as another has its answer. */
    private static final int WARM_UP_CALLERS = 8;
    /** A rate above that of any bus. */
    static final int AT_ONCE = 1_000_000;

    /** Calls a second that any bus takes; chosen, a fifth of what one takes on two cores. */
    private static final int SLOWEST = 50;

    private static final Duration LONGEST = Duration.ofSeconds(120);

    private Load() {}

    /**
     * Enqueues jobs, spread over the agents, by the way of {@code --enqueue}, and waits until all of them are closed.
     *
     * @param jobs how many
     * @param rate jobs a second, or {@link #AT_ONCE}
     * @throws BenchFailure when a job could not be enqueued, or was not closed in time
     */
    static void enqueue(Rig rig, int jobs, int rate) {
        long before = rig.report().path("hooks").asLong();
        int callers = rate == AT_ONCE ? WARM_UP_CALLERS : CALLERS;
        boolean overHttp = rig.options().enqueue == BenchOptions.Door.http;
        try (Way way = overHttp ? new OverHttp(rig, callers) : number -> inSql(rig, number)) {
            call(way, jobs, rate, overHttp ? 1 : callers);
        }
        boolean all = Waiting.until(LONGEST, () -> rig.report().path("closed").asLong() >= before + jobs);
        if (!all) {
            throw new BenchFailure("not all of " + jobs + " jobs were done: " + rig.report()
                    + "; the end of the bus's log: " + rig.bus().lastWords());
        }
    }

    private static void call(Way way, int jobs, int rate, int threads) {
        AtomicInteger left = new AtomicInteger(jobs);
        AtomicReference<Throwable> failed = new AtomicReference<>();
        CountDownLatch sent = new CountDownLatch(jobs);
        ScheduledExecutorService callers = Executors.newScheduledThreadPool(threads);
        try {
            for (int n = 0; n < jobs; n++) {
                int number = n;
                callers.schedule(
                        () -> begun(way, number).whenComplete((answer, failure) -> {
                            if (failure == null) {
                                left.decrementAndGet();
                            } else {
                                failed.compareAndSet(null, failure);
                            }
                            sent.countDown();
                        }),
                        n * 1_000_000_000L / rate,
                        TimeUnit.NANOSECONDS);
            }
            if (!sent.await(jobs / Math.min(rate, SLOWEST) + LONGEST.toSeconds(), TimeUnit.SECONDS) || left.get() > 0) {
                throw new BenchFailure(left + " of " + jobs + " jobs could not be enqueued", failed.get());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BenchFailure("interrupted", e);
        } finally {
            callers.shutdownNow();
        }
    }

    /** Also a call that cannot begin is answered, because the load waits for the answer of each. */
    private static CompletionStage<?> begun(Way way, int number) {
        try {
            return way.enqueue(number);
        } catch (RuntimeException | Error broken) {
            return CompletableFuture.failedFuture(broken);
        }
    }

    /** A way to enqueue a job. */
    private interface Way extends AutoCloseable {
        /**
         * Enqueues one job, which carries the time of this call.
         *
         * @param number of the job, from 0
         * @return completed when the job is enqueued, or with its failure
         */
        CompletionStage<?> enqueue(int number);

        @Override
        default void close() {
            // Only a way with a client of its own has something to close.
        }
    }

    private static CompletionStage<?> inSql(Rig rig, int number) {
        rig.sql().row("enqueue-one", agent(rig, number), ClosingGateway.micros());
        return CompletableFuture.completedFuture(number);
    }

    private static String agent(Rig rig, int number) {
        return "bench-" + (number % rig.options().get(BenchNumber.AGENTS) + 1);
    }

    /**
     * The API. All calls are made by one event loop: with a thread for each caller, the load took an eighth of the
     * processor time of the machine that it shares with the bus.
     */
    private static final class OverHttp implements Way {
        private final Rig rig;
        private final RequestOptions request;
        private final Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
        private final HttpClient client;

        OverHttp(Rig rig, int connections) {
            this.rig = rig;
            this.client = vertx.createHttpClient(
                    new HttpClientOptions().setMaxPoolSize(connections).setTcpNoDelay(true));
            this.request = new RequestOptions()
                    .setAbsoluteURI(rig.busUrl() + "/v1/jobs")
                    .putHeader("Authorization", "Bearer " + rig.operatorToken())
                    .putHeader("Content-Type", "application/json");
            try {
                // Otherwise the first job of a load would carry the start of the client.
                answered(HttpMethod.GET, "").toCompletableFuture().join();
            } catch (CompletionException failed) {
                close();
                throw new BenchFailure("the bus does not answer: " + failed.getCause(), failed);
            }
        }

        @Override
        public CompletionStage<?> enqueue(int number) {
            ObjectNode job =
                    Json.object().put("targetAgent", agent(rig, number)).put("subject", "bench.work");
            job.putObject("payload").put("sentAtMicros", ClosingGateway.micros());
            return answered(HttpMethod.POST, job.toString());
        }

        private CompletionStage<?> answered(HttpMethod method, String body) {
            return client.request(new RequestOptions(request).setMethod(method))
                    .compose(call -> call.send(body))
                    .compose(answer -> answer.body()
                            .compose(text -> answer.statusCode() == 200
                                    ? Future.succeededFuture(text)
                                    : Future.failedFuture(
                                            new BenchFailure("the bus answered " + answer.statusCode() + ": " + text))))
                    .toCompletionStage();
        }

        @Override
        public void close() {
            vertx.close().toCompletionStage().toCompletableFuture().join();
        }
    }
}
