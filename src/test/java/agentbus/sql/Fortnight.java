package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;

import agentbus.fleet.AgentFiles;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.springframework.dao.DataAccessException;

/**
 * The script of fourteen days of the ten agents of {@code agents/}, with their own budgets and rights. Three proposals a day are
 * good; the rest is noise of every kind that people fear: spam, copies, repetitions of what was rejected, weak evidence, false
 * urgency. Each day takes the same course: decisions about the days before, work, proposals, digest.
 */
final class Fortnight {
    static final int DAYS = 14;
    static final int GOOD_A_DAY = 3;

    private static final String DIGEST = "publisher-opportunity-digest";

    private static final List<Proposal> GOOD = Proposal.good();
    private static final List<String> WORDS = List.of(
            ("synergy platform journey quarterly harmonize vision cockpit leverage momentum holistic pipeline garden"
                            + " umbrella bridge compass horizon lighthouse canvas framework mindset culture energy rocket"
                            + " dashboard orchestra puzzle mountain river engine touchpoint blueprint northstar ecosystem"
                            + " flywheel sandbox playbook turbine magnet kaleidoscope zenith")
                    .split(" "));

    private final Machine bus;
    /** One seed, so that each run has the same figures. */
    private final Random random = new Random(14);

    private final Map<String, String> goodByTitle = new TreeMap<>();
    private String seen;

    /** The figures of one day. */
    static final class Day {
        int proposed;
        int ideas;
        int opportunities;
        int repeated;
        final Map<String, Integer> refused = new TreeMap<>();
        int converted;
        int succeeded;
        int failed;
        JsonNode digest;

        int refused(String... codes) {
            int all = 0;
            for (String code : codes) {
                all += refused.getOrDefault(code, 0);
            }
            return all;
        }
    }

    /** Enters the fleet in an empty database. */
    Fortnight(Machine bus) {
        this.bus = bus;
        bus.jdbc().update("delete from agents");
        bus.one(
                "select sync_agents('default', ?::jsonb)",
                new AgentFiles(Path.of("agents")).read().toString());
        new Orders(bus)
                .sync(
                        Instant.now(),
                        Orders.order(
                                DIGEST,
                                "agent",
                                "publisher",
                                "cron",
                                "0 30 18 * * ?",
                                "jobType",
                                "proactive",
                                "priority",
                                50,
                                "report",
                                "ideas_digest"));
    }

    /** The ids of the good proposals that were kept, by title. */
    Map<String, String> good() {
        return goodByTitle;
    }

    /**
     * Lets one day happen, up to its digest.
     *
     * @param number from 0
     */
    Day day(int number) {
        Day day = new Day();
        if (number > 0) {
            nightPasses();
        }
        seen = bus.ask("emit_event", "topic", "team.seen", "payload", Machine.json("day", number))
                .at("/event/eventId")
                .asText();
        bus.jdbc().queryForObject("select sweep_proposals()::text", String.class);
        decide(day, number);
        work(day, number);
        propose(day, number);
        day.digest = digest();
        return day;
    }

    /** The evening's order of the publisher, whose job has the digest in its payload. */
    private JsonNode digest() {
        bus.ask("run_standing_order", "orderName", DIGEST, "reason", "evening");
        Attempt attempt = bus.claim();
        bus.admitted(attempt);
        JsonNode given = attempt.claimed().at("/payload/report");
        bus.complete(attempt);
        JsonNode report =
                bus.ask("get_report", "reportId", given.path("reportId").asText());
        assertEquals(report.get("markdown"), given.get("markdown"));
        return report;
    }

    /** All times of the ledger go back by a day; triggers stay silent, because nobody has changed anything. */
    private void nightPasses() {
        ProposalActors.shift(bus.jdbc(), 1);
        bus.jdbc()
                .execute("set session_replication_role = replica;"
                        + " update jobs set created_at = created_at - interval '1 day', ended_at = ended_at - interval '1 day';"
                        + " update events set created_at = created_at - interval '1 day';"
                        + " update reports set created_at = created_at - interval '1 day',"
                        + " period_from = period_from - interval '1 day', period_to = period_to - interval '1 day';"
                        + " set session_replication_role = origin");
    }

    /**
     * The tracker looks at all that is new, the coordinator decides: the good is done, the rest rejected. A person decides about
     * what the coordinator has proposed.
     */
    private void decide(Day day, int number) {
        for (JsonNode open : open("new")) {
            String id = open.get("opportunityId").asText();
            boolean good = goodByTitle.containsValue(id);
            // The second good one of every fourth day waits for two days.
            boolean later = good
                    && number % 4 == 1
                    && id.equals(
                            goodByTitle.get(GOOD.get(number * GOOD_A_DAY - 2).title()));
            ObjectNode input = Machine.json(
                    "opportunityId", id, "decision", later ? "parked" : "triaged", "notes", good ? "clear" : "vague");
            if (later) {
                input.put("until", Instant.now().plus(Duration.ofHours(36)).toString());
            }
            bus.call("triage_opportunity", Machine.agent("project-tracker"), input);
        }
        for (JsonNode open : open("triaged")) {
            String id = open.get("opportunityId").asText();
            if (goodByTitle.containsValue(id)) {
                convert(day, open);
            } else {
                bus.call(
                        "triage_opportunity",
                        open.get("sourceAgent").asText().equals("coordinator")
                                ? Machine.operator()
                                : Machine.agent("coordinator"),
                        Machine.json(
                                "opportunityId",
                                id,
                                "decision",
                                "rejected",
                                "notes",
                                "names no gain and no first step"));
            }
        }
    }

    private void convert(Day day, JsonNode open) {
        String owner = open.get("ownerCandidate").asText();
        try {
            bus.call(
                    "convert_opportunity",
                    Machine.agent("coordinator"),
                    Machine.json(
                            "opportunityId",
                            open.get("opportunityId").asText(),
                            "subject",
                            bus.jdbc()
                                    .queryForObject(
                                            "select accepts[1] from agents where agent_id = ?", String.class, owner),
                            "notes",
                            "worth a day"));
            day.converted++;
        } catch (DataAccessException e) {
            // The lane has a limit of its own; the opportunity waits for tomorrow.
            count(day, e);
        }
    }

    /** The owners do what was converted; one job in seven fails. */
    private void work(Day day, int number) {
        for (List<JsonNode> claimed = bus.claim(Machine.D1, 50);
                !claimed.isEmpty();
                claimed = bus.claim(Machine.D1, 50)) {
            for (JsonNode job : claimed) {
                Attempt attempt = Attempt.of(job);
                bus.admitted(attempt);
                if ((day.succeeded + day.failed + number) % 7 == 3) {
                    bus.fail(attempt, "retry", false);
                    day.failed++;
                } else {
                    bus.complete(attempt);
                    day.succeeded++;
                }
            }
        }
    }

    private void propose(Day day, int number) {
        for (int i = 0; i < GOOD_A_DAY; i++) {
            Proposal text = GOOD.get(number * GOOD_A_DAY + i);
            String scout =
                    switch (i) {
                        case 0 -> "research";
                        case 1 -> "product-metrics";
                        default -> List.of("devops", "security", "knowledge").get(number % 3);
                    };
            ObjectNode input = text.opportunity(4, 4, 3, List.of(event(), page()));
            String id = opportunity(day, scout, input.put("dedupeKey", "good-" + number + "-" + i));
            if (id != null) {
                goodByTitle.put(text.title(), id);
            }
            // An agent whose call got no answer says it again.
            opportunity(day, scout, input);
        }
        spam(day);
        copies(day, number);
        repetitions(day, number);
        weak(day, number);
        urgent(day, number);
    }

    /** Design writes down whatever it can, with the best scores. */
    private void spam(Day day) {
        for (int i = 0; i < 12; i++) {
            idea(day, "design", salad().idea());
        }
        for (int i = 0; i < 5; i++) {
            opportunity(day, "design", salad().opportunity(5, 5, 4, List.of(event())));
        }
        opportunity(day, "auditor", salad().opportunity(5, 5, 4, List.of(event())));
    }

    /** Knowledge and security send the good proposals of others once more, in other words. */
    private void copies(Day day, int number) {
        opportunity(day, "security", copy(number * GOOD_A_DAY));
        opportunity(day, "knowledge", copy(number * GOOD_A_DAY + 1));
        opportunity(day, "knowledge", copy(Math.max(0, number - 1) * GOOD_A_DAY + 1));
    }

    private ObjectNode copy(int number) {
        Proposal good = GOOD.get(number);
        return new Proposal(
                        good.theme(),
                        good.title() + " soon",
                        "As seen today: " + good.whyNow(),
                        good.ifNothing(),
                        good.nextStep(),
                        good.owner())
                .opportunity(4, 4, 3, List.of(event()));
    }

    /** Devops and the tracker propose again what the coordinator has rejected. */
    private void repetitions(Day day, int number) {
        List<JsonNode> rejected = open("rejected");
        for (int i = 0; i < Math.min(2, rejected.size()); i++) {
            JsonNode one = bus.call(
                    "get_opportunity",
                    Machine.agent("devops"),
                    Machine.json(
                            "opportunityId",
                            rejected.get(i).get("opportunityId").asText()));
            ObjectNode input = new Proposal(
                            one.get("theme").asText(),
                            one.get("title").asText(),
                            one.get("whyNow").asText(),
                            one.get("ifNothing").asText(),
                            one.get("suggestedNextStep").asText(),
                            "devops")
                    .opportunity(5, 4, 3, List.of(evidenceOf(one)));
            opportunity(day, number % 3 == 0 ? "project-tracker" : "devops", input);
        }
    }

    private static ObjectNode evidenceOf(JsonNode opportunity) {
        return (ObjectNode) opportunity.get("evidence").get(0);
    }

    /** The tracker and the publisher bring no evidence, or evidence that does not hold. */
    private void weak(Day day, int number) {
        Proposal text = salad();
        opportunity(day, "project-tracker", text.opportunity(4, 4, 3, List.of()));
        opportunity(
                day,
                "publisher",
                text.opportunity(
                        4,
                        4,
                        3,
                        List.of(Machine.json(
                                "kind", "job", "id", "00000000-0000-0000-0000-00000000000" + number % 10))));
        opportunity(
                day,
                "coordinator",
                text.opportunity(
                        4,
                        4,
                        3,
                        List.of(page().put(
                                        "lookedAt",
                                        Instant.now().plus(Duration.ofDays(2)).toString()))));
        // What the refusal offers: the same content as an idea.
        idea(day, "project-tracker", text.idea());
    }

    /** Security calls everything urgent, and is not sure. */
    private void urgent(Day day, int number) {
        opportunity(day, "security", salad().opportunity(5, 2, 5, List.of(event())));
        opportunity(day, "coordinator", salad().opportunity(3, 3, 5, List.of(event())));
        opportunity(day, "coordinator", salad().opportunity(3, 3, 5, List.of(event())));
    }

    private Proposal salad() {
        return new Proposal("growth " + words(1), words(5), words(14), words(10), words(8), "design");
    }

    private String words(int count) {
        List<String> words = new ArrayList<>(WORDS);
        Collections.shuffle(words, random);
        return String.join(" ", words.subList(0, count));
    }

    private ObjectNode event() {
        return Machine.json("kind", "event", "id", seen);
    }

    private static ObjectNode page() {
        return Machine.json(
                "kind",
                "url",
                "url",
                "https://example.org/report",
                "lookedAt",
                Instant.now().minusSeconds(3600).toString());
    }

    private void idea(Day day, String agent, ObjectNode input) {
        if (propose(day, "create_idea", agent, input) != null) {
            day.ideas++;
        }
    }

    private String opportunity(Day day, String agent, ObjectNode input) {
        JsonNode answer = propose(day, "create_opportunity", agent, input);
        if (answer == null) {
            return null;
        }
        day.opportunities++;
        return answer.at("/opportunity/opportunityId").asText();
    }

    /** The answer to a proposal that was kept; null when it was refused, or was there. */
    private JsonNode propose(Day day, String function, String agent, ObjectNode input) {
        day.proposed++;
        try {
            JsonNode answer = bus.call(function, Machine.agent(agent), input);
            if (answer.get("created").asBoolean()) {
                return answer;
            }
            day.repeated++;
        } catch (DataAccessException e) {
            count(day, e);
        }
        return null;
    }

    private static void count(Day day, DataAccessException refused) {
        Refusal refusal = Machine.refusal(() -> {
            throw refused;
        });
        day.refused.merge(refusal.code(), 1, Integer::sum);
    }

    private List<JsonNode> open(String status) {
        List<JsonNode> found = new ArrayList<>();
        bus.ask("list_opportunities", "status", status, "limit", 100)
                .get("opportunities")
                .forEach(found::add);
        return found;
    }
}
