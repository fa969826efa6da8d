package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.IntFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Twenty callers at the same moment, each on a connection of its own: limits hold, and each matter has one winner. */
@ExtendWith(PostgresExtension.class)
class ProposalRacesTest {
    private static final int WRITERS = 20;
    private static final List<Proposal> TEXTS = Proposal.good();

    private Machine bus;
    private ObjectNode evidence;

    /** The answers, and the refusals by code. */
    private record Ends(List<JsonNode> answers, Map<String, Integer> refusals) {}

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        for (int i = 0; i < WRITERS; i++) {
            bus.jdbc()
                    .update(
                            "insert into agents (namespace, agent_id, accepts, emits, budgets)"
                                    + " values ('default', ?, '{work}', '{#}', '{\"ideas\": 30, \"opportunities\": 30,"
                                    + " \"urgent\": 30, \"openOpportunities\": 30}')",
                            writer(i));
        }
        evidence = Machine.json("kind", "job", "id", bus.enqueue());
    }

    @AfterEach
    void nothing_is_broken() {
        assertEquals(List.of(), Invariants.broken(bus.jdbc()));
    }

    private static String writer(int number) {
        return "writer-" + number;
    }

    private void budget(String budgets) {
        bus.jdbc().update("update agents set budgets = ?::jsonb where agent_id = ?", budgets, writer(0));
    }

    private ObjectNode opportunity(int text) {
        return TEXTS.get(text).ownedBy("devops").opportunity(4, 4, 3, List.of(evidence));
    }

    private Ends race(String function, IntFunction<JsonNode> principal, IntFunction<ObjectNode> input)
            throws InterruptedException {
        List<JsonNode> answers = new ArrayList<>();
        Map<String, Integer> refusals = new TreeMap<>();
        for (Race.End<JsonNode> end :
                Race.of(WRITERS, i -> () -> bus.call(function, principal.apply(i), input.apply(i)))) {
            if (end.thrown() == null) {
                answers.add(end.result());
            } else {
                Refusal refusal = Machine.refusal(() -> {
                    throw end.thrown();
                });
                refusals.merge(refusal.code(), 1, Integer::sum);
            }
        }
        return new Ends(answers, refusals);
    }

    private Ends proposals(String function, IntFunction<JsonNode> principal, IntFunction<ObjectNode> input)
            throws InterruptedException {
        Ends ends = race(function, principal, input);
        long created = ends.answers().stream()
                .filter(answer -> answer.get("created").asBoolean())
                .count();
        assertEquals(created, bus.count("ideas") + bus.count("opportunities"));
        assertEquals(created, bus.count("audit_log where action in ('idea.added', 'opportunity.added')"));
        assertEquals(created, bus.count("events where topic in ('idea.created', 'opportunity.created')"));
        return ends;
    }

    @Test
    void of_twenty_ideas_of_one_agent_as_many_are_kept_as_its_budget_has() throws Exception {
        budget("{\"ideas\": 5}");
        Ends ends = proposals(
                "create_idea", i -> Machine.agent(writer(0)), i -> TEXTS.get(i).idea());

        assertEquals(5, bus.count("ideas"));
        assertEquals(Map.of("proposal_budget", 15), ends.refusals());
    }

    @Test
    void of_twenty_opportunities_of_one_agent_as_many_are_kept_as_its_budget_has() throws Exception {
        budget("{\"opportunities\": 4}");
        Ends ends = proposals("create_opportunity", i -> Machine.agent(writer(0)), this::opportunity);

        assertEquals(4, bus.count("opportunities"));
        assertEquals(Map.of("proposal_budget", 16), ends.refusals());
    }

    @Test
    void of_twenty_urgent_opportunities_of_one_agent_one_is_kept() throws Exception {
        budget("{\"opportunities\": 30, \"openOpportunities\": 30}");
        Ends ends = proposals("create_opportunity", i -> Machine.agent(writer(0)), i -> opportunity(i)
                .put("urgencyScore", 5));

        assertEquals(1, bus.count("opportunities"));
        assertEquals(Map.of("proposal_budget", 19), ends.refusals());
        assertEquals(1, bus.count("events where topic = 'opportunity.urgent'"));
    }

    @Test
    void no_more_opportunities_of_one_agent_are_open_than_it_may_have() throws Exception {
        budget("{\"opportunities\": 30, \"openOpportunities\": 6}");
        Ends ends = proposals("create_opportunity", i -> Machine.agent(writer(0)), this::opportunity);

        assertEquals(6, bus.count("opportunities"));
        assertEquals(Map.of("open_limit", 14), ends.refusals());
    }

    @Test
    void no_more_opportunities_of_one_theme_are_open_than_a_theme_may_have() throws Exception {
        Ends ends = proposals("create_opportunity", i -> Machine.agent(writer(i)), i -> opportunity(i)
                .put("theme", "storage"));

        int most = bus.jdbc().queryForObject("select open_of_theme()", Integer.class);
        assertEquals(most, bus.count("opportunities"));
        assertEquals(Map.of("open_limit", WRITERS - most), ends.refusals());
    }

    @Test
    void a_dedupe_key_has_one_winner_and_every_caller_gets_its_row() throws Exception {
        Ends ideas = proposals("create_idea", i -> Machine.agent(writer(i)), i -> TEXTS.get(i)
                .idea()
                .put("dedupeKey", "one"));
        assertEquals(1, ids(ideas, "/idea/ideaId").size());

        Ends opportunities = race("create_opportunity", i -> Machine.agent(writer(i)), i -> opportunity(WRITERS + i)
                .put("dedupeKey", "one"));
        assertEquals(1, ids(opportunities, "/opportunity/opportunityId").size());
        assertEquals(1, bus.count("opportunities"));
        assertEquals(Map.of(), ideas.refusals());
        assertEquals(Map.of(), opportunities.refusals());
    }

    private static Set<String> ids(Ends ends, String pointer) {
        Set<String> ids = new HashSet<>();
        ends.answers().forEach(answer -> ids.add(answer.at(pointer).asText()));
        return ids;
    }

    @Test
    void the_same_proposal_of_twenty_agents_is_kept_once() throws Exception {
        Ends ends = proposals("create_opportunity", i -> Machine.agent(writer(i)), i -> opportunity(0));

        assertEquals(1, bus.count("opportunities"));
        assertEquals(Map.of("near_duplicate", 19), ends.refusals());
    }

    private String created(int text) {
        return bus.call("create_opportunity", Machine.operator(), opportunity(text))
                .at("/opportunity/opportunityId")
                .asText();
    }

    private static ObjectNode conversion(String opportunity) {
        return Machine.json("opportunityId", opportunity, "subject", "infra.check", "notes", "worth it");
    }

    @Test
    void twenty_conversions_of_one_opportunity_make_one_job() throws Exception {
        String opportunity = created(0);
        Ends ends = race(
                "convert_opportunity",
                i -> Machine.operator().put("name", "person-" + i),
                i -> conversion(opportunity));

        assertEquals(Map.of(), ends.refusals());
        assertEquals(1, ids(ends, "/jobId").size());
        assertEquals(1, bus.count("jobs where correlation_key = ?", "opportunity:" + opportunity));
        assertEquals(1, bus.count("opportunity_reviews where decision = 'converted_to_job'"));
        assertEquals(1, bus.count("events where topic = 'opportunity.converted'"));
    }

    @Test
    void of_twenty_conversions_at_once_no_more_jobs_live_than_may() throws Exception {
        List<String> opportunities = new ArrayList<>();
        for (int i = 0; i < WRITERS; i++) {
            opportunities.add(created(i));
        }
        Ends ends = race("convert_opportunity", i -> Machine.operator(), i -> conversion(opportunities.get(i)));

        int most = bus.jdbc().queryForObject("select proactive_alive()", Integer.class);
        assertEquals(most, bus.count("jobs where job_type = 'proactive' and ended_at is null"));
        assertEquals(most, ends.answers().size(), () -> ends.refusals().toString());
        assertEquals(most, bus.count("opportunities where status = 'converted_to_job'"));
    }

    @Test
    void twenty_promotions_of_one_idea_make_one_opportunity() throws Exception {
        Proposal text = TEXTS.get(0).ownedBy("devops");
        String idea = bus.call("create_idea", Machine.operator(), text.idea())
                .at("/idea/ideaId")
                .asText();
        Ends ends = race("promote_idea_to_opportunity", i -> Machine.operator().put("name", "person-" + i), i -> {
            ObjectNode input = text.decisionFields(4, 4, 3).put("ideaId", idea);
            input.putArray("evidence").add(evidence);
            return input;
        });

        assertEquals(Map.of(), ends.refusals());
        assertEquals(1, ids(ends, "/opportunity/opportunityId").size());
        assertEquals(1, bus.count("opportunities"));
        assertEquals(1, bus.count("audit_log where action = 'idea.changed'"));
    }

    @Test
    void of_twenty_who_decide_differently_about_one_opportunity_one_ends_it() throws Exception {
        String opportunity = created(0);
        String other = created(1);
        List<Race.End<JsonNode>> ends = Race.of(WRITERS, i -> () -> switch (i % 4) {
            case 0 -> bus.call("convert_opportunity", Machine.operator(), conversion(opportunity));
            case 1 -> decide(opportunity, "rejected", i);
            case 2 ->
                bus.ask("merge_opportunity", "opportunityId", opportunity, "into", other, "notes", "the same matter");
            default -> decide(opportunity, "parked", i);
        });

        Set<String> refusals = new HashSet<>();
        ends.stream()
                .filter(end -> end.thrown() != null)
                .forEach(end -> refusals.add(Machine.refusal(() -> {
                            throw end.thrown();
                        })
                        .code()));
        assertEquals(Set.of("wrong_state"), refusals);
        assertEquals(
                1,
                bus.count(
                        "opportunity_reviews where opportunity_id = ?::uuid and decision in"
                                + " ('converted_to_job', 'rejected', 'merged')",
                        opportunity));
        assertTrue(bus.count("jobs where job_type = 'proactive'") <= 1);
    }

    private JsonNode decide(String opportunity, String decision, int caller) {
        ObjectNode input =
                Machine.json("opportunityId", opportunity, "decision", decision, "notes", "says person " + caller);
        if (decision.equals("parked")) {
            input.put("until", Instant.now().plusSeconds(86_400).toString());
        }
        return bus.call("triage_opportunity", Machine.operator(), input);
    }
}
