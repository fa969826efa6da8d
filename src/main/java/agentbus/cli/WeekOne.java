package agentbus.cli;

import agentbus.contract.Problem;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** The drills of {@code week-one} against a running bus. */
final class WeekOne {
    private static final String AGENT = "week-one";
    /** The shortest lease that the contract allows, in seconds. */
    private static final int SHORT_LEASE = 10;

    private static final int LEASE = 300;
    /** Chosen: a drill waits for seconds, and two calls a second cost a bus nothing. */
    private static final Duration LOOK_EVERY = Duration.ofMillis(500);
    /** Chosen: an order runs at least once a week. */
    private static final Duration ORDERS_WINDOW = Duration.ofDays(7);
    /** Chosen: more than a claim and the call that blocks take, and less than other drills wait. */
    private static final Duration BLOCK = Duration.ofSeconds(2);

    private static final Set<String> ENDED = Set.of("succeeded", "failed", "dead", "cancelled");

    private final DrillCalls calls;
    private final Duration patience;
    private final String key = "week-one-" + UUID.randomUUID();
    private final Instant began = Instant.now();
    /** How far the clock of the bus is ahead of that of this machine, by the newest job; zero before the first. */
    private Duration ahead = Duration.ZERO;
    /** Claimed jobs that a drill still has to take, by id. */
    private final Map<String, JsonNode> claimed = new HashMap<>();
    /** The attempt of the worker that falls silent. */
    private JsonNode lost;

    /**
     * The drills.
     *
     * @param calls calls the bus
     * @param patience how long one drill waits
     */
    WeekOne(DrillCalls calls, Duration patience) {
        this.calls = calls;
        this.patience = patience;
    }

    /**
     * Does all drills, one after the other, and cleans up.
     *
     * @param agent the agent of the drill through the gateway; empty for none
     * @param subject the subject of its job
     * @return the results, in the order of the drills
     * @throws Problem when the drills cannot begin or clean up
     */
    List<Drill> run(Optional<String> agent, Optional<String> subject) {
        calls.ask("beginWeekOne", Json.object().put("reason", "drills of " + key));
        List<Drill> drills = new ArrayList<>();
        try {
            // The two drills that wait for a sweep begin first, so that their waits overlap.
            Supplier<String> loss = begun(this::beginLoss);
            Supplier<String> block = begun(this::beginBlock);
            drills.add(drill("a job from end to end", this::endToEnd));
            drills.add(drill("block and recovery", () -> endBlock(block.get())));
            drills.add(drill("worker lost in its work", () -> endLoss(loss.get())));
            drills.add(drill("digest", this::account));
        } finally {
            calls.ask("endWeekOne", Json.object().put("reason", "the drills of " + key + " are over"));
        }
        drills.add(drill("standing orders", this::orders));
        drills.add(drill("health in one query", this::health));
        drills.add(
                agent.isPresent()
                        ? drill("through the gateway", () -> throughGateway(agent.get(), subject.orElseThrow()))
                        : new Drill(
                                "through the gateway",
                                Drill.Result.NOT_TRIED,
                                "it needs one run of a model: --agent and --subject"));
        return drills;
    }

    /** Begins a drill now; a failure shows when its result is asked for. */
    private static Supplier<String> begun(Supplier<String> beginning) {
        try {
            String job = beginning.get();
            return () -> job;
        } catch (Problem failed) {
            return () -> {
                throw failed;
            };
        }
    }

    private static Drill drill(String name, Supplier<String> drill) {
        try {
            return new Drill(name, Drill.Result.HOLDS, drill.get());
        } catch (Problem failed) {
            return new Drill(name, Drill.Result.DOES_NOT_HOLD, failed.getMessage());
        }
    }

    private static Problem failed(String what) {
        return Problem.of(500, "internal", what);
    }

    private String endToEnd() {
        String job = enqueue("week-one.end-to-end");
        JsonNode attempt = claim(job, LEASE);
        calls.say(attempt, "markRunningJob", Json.object());
        calls.say(attempt, "reportProgress", Json.object().put("percent", 50).put("line", "half of the drill"));
        complete(attempt);
        require(job, 1);
        return "job " + job + " was enqueued, claimed, run and completed, each as a row of the audit log";
    }

    private String beginBlock() {
        String job = enqueue("week-one.block");
        JsonNode attempt = claim(job, LEASE);
        ObjectNode input = Json.object().put("reason", "the drill waits for a time");
        input.putObject("unblock")
                .put("at", Instant.now().plus(ahead).plus(BLOCK).toString());
        calls.say(attempt, "blockJob", input);
        return job;
    }

    private String endBlock(String job) {
        complete(claim(job, LEASE));
        require(job, 2);
        return "job " + job
                + " was blocked until a time; a sweep put it back to work, and its second attempt completed it";
    }

    private String beginLoss() {
        String job = enqueue("week-one.loss");
        lost = claim(job, SHORT_LEASE);
        calls.say(lost, "markRunningJob", Json.object());
        return job;
    }

    private String endLoss(String job) {
        JsonNode second = claim(job, LEASE);
        String late = lateClose(lost);
        if (!late.equals("stale_attempt")) {
            throw failed("the late close of the lost worker was answered with " + late + " in place of stale_attempt");
        }
        complete(second);
        require(job, 2);
        return "a worker took job " + job
                + " and fell silent (no process of yours was killed); its lease ran out, a second one"
                + " completed the job, and the late close of the first was refused";
    }

    /** Closes an attempt that is over; returns the code of the refusal, or "success". */
    private String lateClose(JsonNode attempt) {
        try {
            complete(attempt);
            return "success";
        } catch (Problem refused) {
            return refused.code();
        }
    }

    private String account() {
        ObjectNode input = Json.object()
                .put("agent", AGENT)
                .put("from", began.plus(ahead).minusSeconds(60).toString());
        JsonNode account = calls.ask("account", input);
        int attempts = account.at("/woken/attempts").asInt();
        // One attempt for the whole drill, two each for the block and the loss.
        if (attempts < 5 || !account.path("markdown").asText().contains("week-one.loss")) {
            throw failed("the account of agent " + AGENT + " has " + attempts + " attempts; at least 5 were made");
        }
        return "the account of agent " + AGENT + " names its " + attempts + " attempts";
    }

    private String orders() {
        JsonNode orders = calls.ask("listStandingOrders", Json.object()).path("orders");
        if (orders.isEmpty()) {
            throw failed("no standing order is enabled; set agentbus.orders.enabled=true");
        }
        for (String status : List.of("completed", "no_work")) {
            ObjectNode input = Json.object()
                    .put("status", status)
                    .put("from", began.plus(ahead).minus(ORDERS_WINDOW).toString())
                    .put("limit", 1);
            JsonNode slot = calls.ask("listStandingOrderRuns", input).at("/runs/0");
            if (slot.isObject()) {
                return "order " + slot.path("order").asText() + " ended its slot of "
                        + slot.path("scheduledFor").asText() + " " + status.replace('_', ' ');
            }
        }
        throw failed(
                "none of " + orders.size() + " orders has ended a slot completed or no_work within a week; the next: "
                        + next(orders) + ", or run one now with agentbus run-standing-order");
    }

    private static String next(JsonNode orders) {
        String first = "none";
        String at = "~";
        for (JsonNode order : orders) {
            String fire = order.path("nextFires").path(0).asText("~");
            if (fire.compareTo(at) < 0) {
                at = fire;
                first = order.path("order").asText() + " at " + fire;
            }
        }
        return first;
    }

    private String health() {
        JsonNode health = calls.ask("health", Json.object());
        if (!health.path("dispatchers").isArray() || !health.path("queued").isNumber()) {
            throw failed("health has no numbers");
        }
        JsonNode problems = health.path("problems");
        String said =
                health.path("status").asText() + ": " + health.path("queued").asText() + " queued, "
                        + health.path("live").asText() + " at work, "
                        + health.path("blocked").asText() + " blocked, "
                        + health.path("dead").asText() + " dead, "
                        + health.path("dispatchersHealthy").asText()
                        + " dispatchers alive"
                        + (problems.isEmpty()
                                ? ""
                                : "; " + problems.size() + " problems, first: "
                                        + problems.path(0).asText());
        if (!health.path("status").asText().equals("ok")
                || health.path("dispatchersHealthy").asInt() == 0) {
            throw failed(said);
        }
        return said;
    }

    private String throughGateway(String agent, String subject) {
        ObjectNode input = Json.object()
                .put("targetAgent", agent)
                .put("subject", subject)
                .put("correlationKey", key)
                .put("dedupeKey", key);
        input.putObject("payload")
                .put(
                        "drill",
                        "This is a drill of agentbus week-one: say that you have read this, and complete the job.");
        String job = calls.ask("enqueueJob", input).at("/job/jobId").asText();
        boolean ended = until(() -> ENDED.contains(look(job).path("state").asText()));
        JsonNode seen = look(job);
        if (!seen.path("state").asText().equals("succeeded")) {
            Problem late = late(job);
            if (!ended) {
                calls.ask(
                        "cancelJob",
                        Json.object().put("jobId", job).put("reason", "the drill of week-one has waited long enough"));
            }
            throw late;
        }
        return "agent " + agent + " completed job " + job + ": "
                + seen.path("summary").asText();
    }

    private String enqueue(String subject) {
        ObjectNode input = Json.object()
                .put("targetAgent", AGENT)
                .put("subject", subject)
                .put("correlationKey", key)
                // Its backoff is the shortest, five seconds.
                .put("jobType", "recovery");
        JsonNode job = calls.ask("enqueueJob", input).path("job");
        ahead = Duration.between(
                Instant.now(), Instant.parse(job.path("createdAt").asText()));
        return job.path("jobId").asText();
    }

    /** Claims jobs of the drills until this one is among them; the others wait for their drills. */
    private JsonNode claim(String job, int leaseSeconds) {
        if (!until(() -> claimed.containsKey(job) || claimsAlso(job, leaseSeconds))) {
            throw late(job);
        }
        return claimed.remove(job);
    }

    private boolean claimsAlso(String job, int leaseSeconds) {
        ObjectNode input = Json.object()
                .put("targetAgent", AGENT)
                .put("worker", key)
                .put("limit", 10)
                .put("leaseSeconds", leaseSeconds);
        JsonNode answer = calls.ask("claimJobs", input);
        answer.path("jobs").forEach(each -> claimed.put(each.path("jobId").asText(), each));
        if (answer.has("hold")) {
            throw failed("no job can be claimed: " + answer.path("hold").asText());
        }
        return claimed.containsKey(job);
    }

    private Problem late(String job) {
        JsonNode seen = look(job);
        return failed("job " + job + " is " + seen.path("state").asText() + " after " + patience.toSeconds() + " s: "
                + seen.path("nextMove").asText(seen.path("lastError").asText("no reason given")));
    }

    private void complete(JsonNode attempt) {
        calls.say(attempt, "completeJob", Json.object().put("summary", "done by agentbus week-one"));
    }

    private JsonNode look(String job) {
        return calls.ask("getJob", Json.object().put("jobId", job));
    }

    /** Requires that a job has succeeded, with so many attempts. */
    private void require(String job, int attempts) {
        JsonNode seen = look(job);
        if (!seen.path("state").asText().equals("succeeded")
                || seen.path("attempts").size() != attempts) {
            throw failed("job " + job + " is " + seen.path("state").asText() + " with "
                    + seen.path("attempts").size() + " attempts, and not succeeded with " + attempts);
        }
    }

    /** Waits for a condition as long as the drill may wait; returns whether it became true. */
    private boolean until(BooleanSupplier condition) {
        long end = System.nanoTime() + patience.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > end || Thread.currentThread().isInterrupted()) {
                return false;
            }
            LockSupport.parkNanos(LOOK_EVERY.toNanos());
        }
        return true;
    }
}
