package agentbus.sql;

import agentbus.sql.ProposalOp.Caller;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.sql.SQLException;
import java.time.Instant;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.JdbcTemplate;

/** Those who do what a script says to ideas and opportunities. A refusal is as good a result as a success. */
final class ProposalActors {
    private static final List<PassingDays> LANE = List.of(
            new PassingDays("ideas", "idea_id", List.of("created_at", "touched_at", "reviewed_at", "ended_at")),
            new PassingDays(
                    "opportunities",
                    "opportunity_id",
                    List.of("created_at", "touched_at", "decided_at", "converted_at", "parked_until", "ended_at"),
                    Map.of("opportunity_reviews", List.of("created_at", "until"))));

    private static final List<Proposal> TEXTS = Proposal.good();

    private final Machine bus;
    private final Map<Caller, Attempt> attempts = new EnumMap<>(Caller.class);
    private final Set<String> done = new ConcurrentSkipListSet<>();
    private final Set<String> refused = new ConcurrentSkipListSet<>();
    private final ObjectNode evidence;

    /**
     * What became of an act.
     *
     * @param row the idea or opportunity that was acted on; null for a new one
     * @param refusal the refusal; null when there was none
     * @param answer the answer in short
     */
    record Result(String row, Refusal refusal, String answer) {
        boolean ok() {
            return refusal == null;
        }

        @Override
        public String toString() {
            return ok() ? row + " " + answer : row + " refused " + refusal.brief() + ": " + refusal.message();
        }
    }

    /** Enters the agents of the callers, each at work on a job, whose token it speaks with. */
    ProposalActors(Machine bus) {
        this.bus = bus;
        bus.jdbc()
                .update(
                        "insert into agents (namespace, agent_id, accepts, may_enqueue_to, emits, may_triage, budgets)"
                                + " values ('default', 'project-tracker', '{project.status.rollup}', '{*}', '{#}', true, '{}')");
        bus.jdbc().update("update agents set may_triage = true, may_convert = true where agent_id = 'coordinator'");
        bus.jdbc()
                .update("update agents set budgets = '{\"ideas\": 6, \"opportunities\": 6, \"urgent\": 2,"
                        + " \"openOpportunities\": 8}'");
        for (Caller caller : Caller.values()) {
            if (caller != Caller.ANNA) {
                attempts.put(
                        caller,
                        bus.running(
                                "targetAgent",
                                caller.agent(),
                                "subject",
                                bus.jdbc()
                                        .queryForObject(
                                                "select accepts[1] from agents where agent_id = ?",
                                                String.class,
                                                caller.agent())));
            }
        }
        // No caller's own job, which would be no evidence.
        evidence = Machine.json("kind", "job", "id", bus.enqueue());
    }

    /** The kinds of acts that have succeeded at least once. */
    Set<String> done() {
        return done;
    }

    /** The codes of all refusals. */
    Set<String> refused() {
        return refused;
    }

    /** Does one act; null when there is nothing to do it to. */
    Result perform(ProposalOp op) {
        String row = target(op);
        boolean creates = op instanceof ProposalOp.CreateIdea || op instanceof ProposalOp.CreateOpportunity;
        if (row == null && !creates && !(op instanceof ProposalOp.Pass) && !(op instanceof ProposalOp.Sweep)) {
            return null;
        }
        try {
            String answer = act(op, row);
            if (answer == null) {
                return null;
            }
            done.add(name(op));
            return new Result(row, null, answer);
        } catch (DataAccessException e) {
            SQLException cause = (SQLException) e.getMostSpecificCause();
            if (cause.getSQLState() == null || !cause.getSQLState().startsWith("AB")) {
                throw new AssertionError(
                        op + " met no refusal but " + cause.getSQLState() + ": " + cause.getMessage(), e);
            }
            Refusal refusal = Machine.refusal(() -> {
                throw e;
            });
            refused.add(refusal.code());
            return new Result(row, refusal, null);
        }
    }

    /** The name of an act for statistics: with the decision of a triage and the act on an idea. */
    static String name(ProposalOp op) {
        if (op instanceof ProposalOp.Triage triage) {
            return "Triage " + triage.decision();
        }
        if (op instanceof ProposalOp.OnIdea on) {
            return "OnIdea " + on.act();
        }
        return op.getClass().getSimpleName();
    }

    private String act(ProposalOp op, String row) {
        if (op instanceof ProposalOp.CreateIdea create) {
            return brief(call(op, "create_idea", keyed(text(create.text()).idea(), create.key())));
        } else if (op instanceof ProposalOp.CreateOpportunity create) {
            return brief(call(
                    op,
                    "create_opportunity",
                    keyed(text(create.text()).opportunity(4, 3, create.urgency(), List.of(evidence)), create.key())));
        } else if (op instanceof ProposalOp.OnIdea on) {
            return onIdea(on, row);
        } else if (op instanceof ProposalOp.Triage triage) {
            ObjectNode input = Machine.json(
                    "opportunityId", row, "decision", triage.decision().word(), "notes", "reason " + triage.notes());
            if (triage.decision() == ProposalOp.Decision.PARKED) {
                input.put("until", Instant.now().plusSeconds(86_400L).toString());
            }
            return brief(call(op, "triage_opportunity", input));
        } else if (op instanceof ProposalOp.Convert) {
            return brief(call(
                    op,
                    "convert_opportunity",
                    Machine.json(
                            "opportunityId",
                            row,
                            "subject",
                            "infra.check",
                            "targetAgent",
                            "devops",
                            "notes",
                            "do it")));
        } else if (op instanceof ProposalOp.Merge merge) {
            String into = opportunity(merge.into(), "new", "triaged", "accepted", "parked");
            return brief(call(
                    op,
                    "merge_opportunity",
                    Machine.json("opportunityId", row, "into", into, "notes", "the same matter")));
        } else if (op instanceof ProposalOp.EndJob) {
            return endJob(row);
        } else if (op instanceof ProposalOp.Pass pass) {
            shift(bus.jdbc(), pass.days());
            return pass.days() + " days later";
        }
        return "swept " + bus.jdbc().queryForObject("select sweep_proposals()::text", String.class);
    }

    private String onIdea(ProposalOp.OnIdea on, String idea) {
        ObjectNode input = Machine.json("ideaId", idea);
        return switch (on.act()) {
            case REVIEW -> brief(call(on, "review_idea", input.put("notes", "looked at it")));
            case ARCHIVE -> brief(call(on, "archive_idea", input.put("notes", "not now")));
            case PROMOTE -> {
                String title = bus.jdbc()
                        .queryForObject("select title from ideas where idea_id = ?::uuid", String.class, idea);
                Proposal text = TEXTS.stream()
                        .filter(one -> one.title().equals(title))
                        .findFirst()
                        .orElseThrow()
                        .ownedBy("devops");
                input.setAll(text.decisionFields(4, 3, 2));
                input.putArray("evidence").add(evidence);
                yield brief(call(on, "promote_idea_to_opportunity", input));
            }
        };
    }

    private String endJob(String opportunity) {
        String job = bus.jdbc()
                .queryForObject(
                        "select converted_job_id::text from opportunities where opportunity_id = ?::uuid",
                        String.class,
                        opportunity);
        if (job == null || bus.count("jobs where job_id = ?::uuid and ended_at is null", job) == 0) {
            return null;
        }
        return bus.ask("cancel_job", "jobId", job, "reason", "drawn by chance")
                .path("state")
                .asText();
    }

    private JsonNode call(ProposalOp op, String function, ObjectNode input) {
        JsonNode principal = op.caller() == Caller.ANNA ? Machine.operator() : bus.principal(attempts.get(op.caller()));
        return bus.call(function, principal, input);
    }

    /** Lets days pass: all times of the lane go back by so many, as if its rows were older. */
    static void shift(JdbcTemplate jdbc, int days) {
        LANE.forEach(table -> table.pass(jdbc, days));
    }

    private String target(ProposalOp op) {
        if (op instanceof ProposalOp.OnIdea on) {
            return row(
                    "select idea_id::text from ideas where status = any (?) order by seq",
                    on.idea(),
                    "new",
                    "reviewed");
        } else if (op instanceof ProposalOp.Triage triage) {
            return opportunity(triage.opportunity(), "new", "triaged", "accepted", "parked");
        } else if (op instanceof ProposalOp.Convert convert) {
            return opportunity(convert.opportunity(), "new", "triaged", "accepted");
        } else if (op instanceof ProposalOp.Merge merge) {
            return opportunity(merge.opportunity(), "new", "triaged", "accepted", "parked");
        } else if (op instanceof ProposalOp.EndJob end) {
            return opportunity(end.opportunity(), "converted_to_job");
        }
        return null;
    }

    private String opportunity(int age, String... states) {
        return row("select opportunity_id::text from opportunities where status = any (?) order by seq", age, states);
    }

    /** Of those in one of the states; the oldest ages pick of all, because a refusal should be tried, too. */
    private String row(String sql, int age, String... states) {
        List<String> fitting = bus.jdbc().queryForList(sql, String.class, (Object) states);
        if (age == 4 || fitting.isEmpty()) {
            fitting = bus.jdbc().queryForList(sql.replaceFirst("where status = any \\(\\?\\)", ""), String.class);
        }
        return fitting.isEmpty() ? null : fitting.get(fitting.size() - 1 - age % fitting.size());
    }

    private static ObjectNode keyed(ObjectNode input, int key) {
        return key < 0 ? input : input.put("dedupeKey", "key-" + key);
    }

    private static Proposal text(int number) {
        return TEXTS.get(number).ownedBy("devops");
    }

    private static String brief(JsonNode answer) {
        String text = answer.toString();
        return text.substring(0, Math.min(text.length(), 160));
    }
}
