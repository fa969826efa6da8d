package agentbus.sql;

import com.fasterxml.jackson.databind.JsonNode;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.IntStream;
import org.springframework.dao.DataAccessException;

/** Those who do what a script says, and the jobs and attempts they know. A refusal is as good a result as a success. */
final class Actors {
    private static final int ANY = 5;

    private final Machine bus;
    private final List<String> jobs = new CopyOnWriteArrayList<>();
    private final List<Attempt> attempts = new CopyOnWriteArrayList<>();
    private final Set<String> done = new ConcurrentSkipListSet<>();

    Actors(Machine bus) {
        this.bus = bus;
    }

    /** Finds who speaks, and does it. */
    String perform(Op op) {
        return perform(op, speaker(op));
    }

    /** What the operation was told: its answer in short, {@code refused …}, or {@code nothing to do it to}. */
    String perform(Op op, Attempt speaker) {
        try {
            String answer = act(op, speaker);
            if (answer == null) {
                return "nothing to do it to";
            }
            done.add(op.getClass().getSimpleName());
            return answer;
        } catch (DataAccessException e) {
            SQLException cause = (SQLException) e.getMostSpecificCause();
            if (cause.getSQLState() == null || !cause.getSQLState().startsWith("AB")) {
                throw new AssertionError(
                        op + " met no refusal but " + cause.getSQLState() + ": " + cause.getMessage(), e);
            }
            return "refused " + cause.getSQLState().substring(2) + ": "
                    + cause.getMessage().lines().findFirst().orElse("");
        }
    }

    /** The kinds of operations that have succeeded at least once. */
    Set<String> done() {
        return done;
    }

    /** The attempt that an operation speaks for, or null when it speaks for none or none is there. */
    Attempt speaker(Op op) {
        if (op instanceof Op.Say say) {
            return attempt(say.attempt());
        } else if (op instanceof Op.Complete complete) {
            return attempt(complete.attempt());
        } else if (op instanceof Op.Fail fail) {
            return attempt(fail.attempt());
        } else if (op instanceof Op.Block block) {
            return attempt(block.attempt());
        } else if (op instanceof Op.Hook hook) {
            return attempt(hook.attempt());
        } else if (op instanceof Op.KeepPrompt keep) {
            return attempt(keep.attempt());
        }
        return null;
    }

    private String act(Op op, Attempt speaker) {
        if (op instanceof Op.Enqueue enqueue) {
            return enqueue(enqueue);
        } else if (op instanceof Op.Claim claim) {
            return took(bus.claim(dispatcher(claim.dispatcher()), claim.limit()));
        } else if (op instanceof Op.Pull pull) {
            List<JsonNode> taken = new ArrayList<>();
            bus.ask("claim_jobs", "targetAgent", pull.agent(), "limit", pull.limit())
                    .get("jobs")
                    .forEach(taken::add);
            return took(taken);
        } else if (op instanceof Op.Pass pass) {
            return pass(pass);
        } else if (op instanceof Op.Recover recover) {
            if (recover.afterOutage()) {
                bus.jdbc()
                        .update(
                                "update bus_facts set value = (now() - interval '5 minutes')::text where name = 'last_recovery'");
            }
            // As if the last look had been a while ago.
            bus.jdbc().update("update claim_mark set looked_at = looked_at - interval '3 seconds'");
            return "moved " + bus.recover().size();
        } else if (op instanceof Op.Beat beat) {
            return beat(dispatcher(beat.dispatcher()));
        } else if (op instanceof Op.Stop stop) {
            bus.jdbc().queryForList("select dispatcher_stopped(?)", dispatcher(stop.dispatcher()));
            return "stopped";
        } else if (op instanceof Op.Pause pause) {
            return bus.ask("pause_agent", "agentId", pause.agent(), "reason", "drawn by chance")
                    .path("pausedReason")
                    .asText();
        } else if (op instanceof Op.Resume resume) {
            return "paused "
                    + bus.ask("resume_agent", "agentId", resume.agent()).path("paused");
        }
        if (op instanceof Op.Bulk bulk) {
            return bulk(bulk);
        }
        return speaker != null ? speak(op, speaker) : toJob(op);
    }

    private String bulk(Op.Bulk bulk) {
        String id = bus.ask(
                        "start_bulk_action",
                        "operation",
                        bulk.operation(),
                        "filter",
                        Machine.json("targetAgent", bulk.agent()),
                        "reason",
                        "all of them")
                .get("bulkId")
                .asText();
        while (Boolean.TRUE.equals(bus.jdbc().queryForObject("select run_bulk_batch()", Boolean.class))) {}
        bus.cascade();
        JsonNode now = bus.ask("get_bulk_action", "bulkId", id);
        return now.get("done") + " done, " + now.get("failed") + " failed";
    }

    private String enqueue(Op.Enqueue enqueue) {
        var input = Machine.json(
                "targetAgent",
                enqueue.agent(),
                "subject",
                enqueue.agent().equals("devops") ? "infra.check" : "research.packet",
                "priority",
                enqueue.priority(),
                "delaySeconds",
                enqueue.delaySeconds(),
                "maxAttempts",
                enqueue.maxAttempts(),
                "dependsOn",
                enqueue.dependsOn().stream()
                        .map(this::job)
                        .filter(id -> id != null)
                        .toList());
        if (enqueue.key() >= 0) {
            input.put("dedupeKey", "key-" + enqueue.key());
        }
        if (enqueue.parent() >= 0 && job(enqueue.parent()) != null) {
            input.put("parentJobId", job(enqueue.parent()));
        }
        JsonNode answer = bus.call("enqueue_job", Machine.operator(), input);
        String id = answer.at("/job/jobId").asText();
        if (answer.get("created").asBoolean()) {
            jobs.add(id);
        }
        return id + " " + answer.at("/job/state").asText();
    }

    private String took(List<JsonNode> claimed) {
        claimed.forEach(job -> {
            Attempt attempt = Attempt.of(job);
            // The coordinator's questions are made by the bus: known from here on.
            if (!jobs.contains(attempt.job())) {
                jobs.add(attempt.job());
            }
            attempts.removeIf(known -> known.id().equals(attempt.id()));
            attempts.add(attempt);
        });
        return "took " + claimed.stream().map(j -> j.get("jobId").asText()).toList();
    }

    private String speak(Op op, Attempt attempt) {
        if (op instanceof Op.KeepPrompt keep) {
            return "prompt " + bus.keepPrompt(dispatcher(keep.dispatcher()), attempt, "a prompt");
        } else if (op instanceof Op.Hook hook) {
            return hook(hook.answer(), dispatcher(hook.dispatcher()), attempt);
        } else if (op instanceof Op.Say say) {
            return brief(
                    switch (say.word()) {
                        case MARK_RUNNING -> bus.say(attempt, "mark_running_job");
                        case RENEW -> bus.say(attempt, "renew_job_lease", "leaseSeconds", 60);
                        case PROGRESS -> bus.say(attempt, "report_progress", "percent", 50);
                    });
        } else if (op instanceof Op.Complete complete) {
            var followUps = IntStream.range(0, complete.followUps())
                    .mapToObj(i -> Machine.json("targetAgent", "devops", "subject", "infra.check"))
                    .toList();
            var events = complete.event() ? List.of(Machine.json("topic", "drawn.done")) : List.of();
            JsonNode answer =
                    bus.say(attempt, "complete_job", "summary", "done", "followUps", followUps, "events", events);
            answer.path("followUps").forEach(id -> {
                if (!jobs.contains(id.asText())) {
                    jobs.add(id.asText());
                }
            });
            return brief(answer);
        } else if (op instanceof Op.Fail fail) {
            return brief(bus.fail(attempt, "retry", fail.retry()));
        }
        return brief(block((Op.Block) op, attempt));
    }

    private JsonNode block(Op.Block block, Attempt attempt) {
        return switch (block.until()) {
            case TIME -> bus.block(attempt, "at", Instant.now().plusSeconds(600).toString());
            case AGENT -> bus.block(attempt, "agent", "research");
            case PERSON -> bus.block(attempt, "person", "anna");
            case JOB -> bus.block(attempt, "jobId", job(block.job()));
            case NOBODY_NAMED -> bus.block(attempt);
            case ANSWER -> bus.say(attempt, "ask", "question", "May it?");
        };
    }

    private String hook(Op.Answer answer, String dispatcher, Attempt attempt) {
        JsonNode told =
                switch (answer) {
                    case ADMITTED ->
                        bus.one("select hook_admitted(?, ?::uuid, 'run', 'session')", dispatcher, attempt.id());
                    case UNDELIVERED ->
                        bus.one("select hook_undelivered(?, ?::uuid, 'HTTP 503', null)", dispatcher, attempt.id());
                    case BUSY -> bus.one("select hook_busy(?, ?::uuid, 'HTTP 409')", dispatcher, attempt.id());
                    case UNKNOWN -> bus.unknown(dispatcher, attempt);
                    case REFUSED -> bus.one("select hook_refused(?, ?::uuid, 'HTTP 401')", dispatcher, attempt.id());
                };
        return "applied " + told.get("applied");
    }

    private String toJob(Op op) {
        if (op instanceof Op.Unblock unblock && job(unblock.job(), "blocked") != null) {
            return state(bus.ask("unblock_job", "jobId", job(unblock.job(), "blocked"), "answer", "go on"));
        } else if (op instanceof Op.Cancel cancel && job(cancel.job()) != null) {
            return state(bus.ask(
                    "cancel_job",
                    "jobId",
                    job(cancel.job()),
                    "reason",
                    "not wanted",
                    "includeChildren",
                    cancel.children()));
        } else if (op instanceof Op.Redrive redrive && job(redrive.job(), "dead", "failed") != null) {
            return state(bus.ask("redrive_job", "jobId", job(redrive.job(), "dead", "failed"), "reason", "once more"));
        } else if (op instanceof Op.Handle handle && job(handle.job()) != null) {
            return state(handle(handle));
        }
        return null;
    }

    private JsonNode handle(Op.Handle handle) {
        String job =
                switch (handle.grip()) {
                    case DISMISS -> job(handle.job(), "dead");
                    case EXTEND_ATTEMPT, END_ATTEMPT -> job(handle.job(), "running", "leased");
                    case REASSIGN -> job(handle.job(), "queued", "waiting", "blocked", "dead", "failed");
                    default -> job(handle.job(), "queued", "blocked", "waiting", "running");
                };
        var input = Machine.json("jobId", job, "reason", "by hand");
        return switch (handle.grip()) {
            case RETRY_NOW -> bus.call("retry_now", Machine.operator(), input);
            case KILL -> bus.call("kill_job", Machine.operator(), input);
            case SET_PRIORITY -> bus.call("set_priority", Machine.operator(), input.put("priority", 500));
            case REASSIGN ->
                bus.call(
                        "reassign_job",
                        Machine.operator(),
                        input.put("targetAgent", handle.job() % 2 == 0 ? "devops" : "research"));
            case DISMISS -> bus.call("dismiss_job", Machine.operator(), input);
            case EXTEND_ATTEMPT -> bus.call("extend_attempt", Machine.operator(), input.put("seconds", 90_000));
            case END_ATTEMPT -> bus.call("end_attempt", Machine.operator(), input);
        };
    }

    private String pass(Op.Pass pass) {
        String id = job(pass.job());
        if (id == null) {
            return null;
        }
        String lease =
                "update jobs set leased_until = now() - interval '%s' where job_id = ?::uuid and leased_until > now()";
        return "rows "
                + bus.jdbc()
                        .update(
                                switch (pass.passing()) {
                                    case LEASE -> lease.formatted("1 second");
                                    case KEY_MEMORY -> lease.formatted("5 minutes");
                                    case TIMEOUT ->
                                        "update job_attempts set started_at = started_at - interval '1 hour'"
                                                + " where attempt_id = (select live_attempt from jobs where job_id = ?::uuid)";
                                    case WAIT ->
                                        "with opened as (update gateways set held_until = null, hold_reason = null)"
                                                + " update jobs set run_after = now() - interval '1 second'"
                                                + " where job_id = ?::uuid and state = 'queued' and run_after > now()";
                                    case BLOCK ->
                                        "update jobs set blocked_until = now() - interval '1 second'"
                                                + " where job_id = ?::uuid and blocked_until is not null";
                                },
                                id);
    }

    private String beat(String dispatcher) {
        var beat = Machine.json(
                "host",
                "h",
                "pid",
                1,
                "version",
                "t",
                "wakeSource",
                "poll",
                "beatSeconds",
                4,
                "leaseMs",
                12_000,
                "sweepAgeMs",
                0,
                "attempts",
                attempts.stream().map(Attempt::id).toList());
        return bus.one("select dispatcher_heartbeat(?, ?::jsonb)", dispatcher, beat.toString())
                .toString();
    }

    private String job(int age) {
        List<String> known = List.copyOf(jobs);
        return known.isEmpty() ? null : known.get(known.size() - 1 - age % known.size());
    }

    /** Of those in one of the states; of all, when none is: a refusal should be tried, too. */
    private String job(int age, String... states) {
        List<String> fitting = bus.jdbc()
                .queryForList("select job_id::text from jobs where state = any (?) order by seq", String.class, (Object)
                        states);
        return fitting.isEmpty() ? job(age) : fitting.get(fitting.size() - 1 - age % fitting.size());
    }

    /** Below {@link #ANY} of the live ones, where there are any; else of all, most of which are over. */
    private Attempt attempt(int age) {
        List<Attempt> known = new ArrayList<>(attempts);
        if (age < ANY) {
            List<String> live = bus.jdbc()
                    .queryForList("select live_attempt::text from jobs where live_attempt is not null", String.class);
            if (known.stream().anyMatch(attempt -> live.contains(attempt.id()))) {
                known.removeIf(attempt -> !live.contains(attempt.id()));
            }
        }
        return known.isEmpty() ? null : known.get(known.size() - 1 - age % known.size());
    }

    private static String dispatcher(int number) {
        return number == 0 ? Machine.D1 : Machine.D2;
    }

    private static String state(JsonNode job) {
        return job.get("jobId").asText() + " " + job.get("state").asText();
    }

    private static String brief(JsonNode answer) {
        if (answer.has("problem")) {
            return "problem " + answer.at("/problem/code").asText();
        }
        return state(answer.has("job") ? answer.get("job") : answer);
    }
}
