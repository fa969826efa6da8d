package agentbus.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;

/**
 * {@code bench latency}: the time from just before a job is enqueued to the arrival of its hook call at the gateway, at
 * a steady rate. The job's payload carries the first time, because all processes share one clock. Calls are made on
 * time even while an earlier call has no answer, so that a stall shows in each job that it delays.
 */
final class Latency implements Bench {
    /** Enough that a call is made on time while others wait for their answers. */
    private static final int CALLERS = 64;
    /** Of the warm-up, which has no rate: each caller makes its next call as soon as it has an answer. */
    private static final int WARM_UP_CALLERS = 8;
    /** A rate above that of any bus. */
    private static final int AT_ONCE = 1_000_000;

    private static final Duration LONGEST = Duration.ofSeconds(120);

    @Override
    public void run(Rig rig, Consumer<ObjectNode> tell) {
        rig.startBus(Map.of("agentbus.orders.enabled", "false"));
        // The JVM compiles the bus's code during the first thousands of jobs; at 20 jobs a second that would take
        // minutes.
        if (rig.options().get(BenchNumber.WARM_UP) > 0) {
            enqueue(rig, rig.options().get(BenchNumber.WARM_UP), AT_ONCE);
        }
        int cold = rig.options().get(BenchNumber.COLD);
        Waiting.pass(Duration.ofSeconds(cold));
        rig.resetGateway();
        int sent = rig.options().get(BenchNumber.SECONDS) * rig.options().get(BenchNumber.RATE);
        enqueue(rig, sent, rig.options().get(BenchNumber.RATE));
        JsonNode report = rig.report();
        ObjectNode figures = JsonNodeFactory.instance
                .objectNode()
                .put("enqueue", rig.options().enqueue.name())
                .put("ratePerSecond", rig.options().get(BenchNumber.RATE))
                .put("warmUpJobs", rig.options().get(BenchNumber.WARM_UP))
                .put("coldSeconds", cold)
                .put("jobs", sent)
                .put("arrived", report.path("hooks").asLong());
        figures.setAll((ObjectNode) report.path("arrival"));
        figures.set("close", report.path("close"));
        tell.accept(figures);
    }

    /** Enqueues jobs at a rate per second, and waits until all of them are closed. */
    static void enqueue(Rig rig, int jobs, int rate) {
        String token = rig.operatorToken();
        AtomicInteger left = new AtomicInteger(jobs);
        AtomicReference<RuntimeException> failed = new AtomicReference<>();
        CountDownLatch sent = new CountDownLatch(jobs);
        ScheduledExecutorService callers =
                Executors.newScheduledThreadPool(rate == AT_ONCE ? WARM_UP_CALLERS : CALLERS);
        long before = rig.report().path("hooks").asLong();
        try {
            for (int n = 0; n < jobs; n++) {
                int number = n;
                callers.schedule(
                        () -> {
                            try {
                                enqueueOne(rig, number, token);
                                left.decrementAndGet();
                            } catch (RuntimeException refused) {
                                failed.compareAndSet(null, refused);
                            } finally {
                                sent.countDown();
                            }
                        },
                        n * 1_000_000_000L / rate,
                        TimeUnit.NANOSECONDS);
            }
            if (!sent.await(jobs / rate + LONGEST.toSeconds(), TimeUnit.SECONDS) || left.get() > 0) {
                throw new BenchFailure(left + " of " + jobs + " jobs could not be enqueued", failed.get());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BenchFailure("interrupted", e);
        } finally {
            callers.shutdownNow();
        }
        boolean all = Waiting.until(LONGEST, () -> rig.report().path("closed").asLong() >= before + jobs);
        if (!all) {
            throw new BenchFailure("not all of " + jobs + " jobs were done: " + rig.report()
                    + "; the end of the bus's log: " + rig.bus().lastWords());
        }
    }

    private static void enqueueOne(Rig rig, int number, String token) {
        String agent = "bench-" + (number % rig.options().get(BenchNumber.AGENTS) + 1);
        long now = ClosingGateway.micros();
        if (rig.options().enqueue == BenchOptions.Door.sql) {
            rig.sql().row("enqueue-one", agent, now);
        } else {
            ObjectNode job = JsonNodeFactory.instance
                    .objectNode()
                    .put("targetAgent", agent)
                    .put("subject", "bench.work");
            job.putObject("payload").put("sentAtMicros", now);
            rig.call("POST", rig.busUrl() + "/v1/jobs", job.toString(), token);
        }
    }
}
