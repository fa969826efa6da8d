package agentbus.sql;

import static agentbus.sql.Machine.refusal;
import static agentbus.sql.Orders.order;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The gates of the phases, computed from the ledger, and their sign-offs. */
class PhaseGateTest extends PhaseGates {
    @Test
    void an_empty_ledger_meets_nothing_by_absence() {
        onFor(1, 80);

        JsonNode gate = gate(1);

        assertEquals("not_met", gate.get("status").asText());
        assertEquals(72, gate.get("demandedHours").asInt());
        assertEquals(
                Map.of(
                        "jobs_end_to_end", "not_measured",
                        "order_evidence", "not_measured",
                        "blocks_recover", "not_measured",
                        "losses_recover", "not_measured",
                        "health_in_one_query", "not_met",
                        "dead_letters_explained", "not_measured",
                        "time_without_breach", "met"),
                statuses(gate));
    }

    @Test
    void three_good_days_meet_the_gate_and_each_criterion_names_its_evidence() {
        threeGoodDays();

        JsonNode gate = gate(1);

        assertEquals("met", gate.get("status").asText(), gate::toString);
        gate.get("criteria").forEach(each -> {
            assertTrue(each.get("evidence").asText().startsWith("agentbus "), each::toString);
            assertTrue(each.hasNonNull("seen"), each::toString);
        });
        assertTrue(
                gate.get("report")
                        .asText()
                        .matches(
                                "(?s)gate of phase 1 \\(spine\\) in namespace default: met\n.*\n\nmet: blocked jobs go on"
                                        + " \\(blocks_recover\\)\n  1 of 1 block went on\n  agentbus list-audit .*"),
                gate::toString);
        assertCriterion(1, "blocks_recover", "met", "1 of 1 block went on");
        assertCriterion(1, "losses_recover", "met", "1 of 1 job that lost its attempt succeeded afterwards");
        assertCriterion(1, "time_without_breach", "met", "80 h of 72 h since \\S+Z, when phase 1 was turned on");
    }

    @Test
    void a_day_without_a_success_does_not_meet_the_gate_and_a_drill_is_no_success() {
        threeGoodDays();
        bus.jdbc()
                .update("update jobs set subject = 'week-one.end-to-end' where ended_at < now() - interval '40 hours'");

        assertCriterion(1, "jobs_end_to_end", "not_met", "no job succeeded in the 24 h before \\S+Z");
        assertEquals("not_met", gate(1).get("status").asText());
    }

    @Test
    void a_missed_slot_begins_the_time_anew_and_is_named() {
        threeGoodDays();
        slot("devops", "patrol", "missed", 30);

        assertCriterion(
                1,
                "time_without_breach",
                "not_met",
                "30 h of 72 h since \\S+Z, when slot \\S+Z of standing order patrol was missed: nobody started it");
        assertEquals("met", statusIn(43), "the time passes");
        assertEquals("not_met", statusIn(41));
    }

    /** The status of the time in so many hours. */
    private String statusIn(int hours) {
        JsonNode gate = bus.one("select gate_result('default', 1, now() + make_interval(hours => ?))", hours);
        return statuses(gate).get("time_without_breach");
    }

    @Test
    void a_job_that_stood_still_because_the_bus_did_not_move_it_is_a_breach() {
        threeGoodDays();
        bus.jdbc()
                .update(
                        "insert into events (namespace, topic, payload, created_at) values ('default', 'audit.stuck_job',"
                                + " '{\"jobId\": \"7\", \"state\": \"running\", \"why\": \"its lease has run out\"}',"
                                + " now() - interval '1 hour'), ('default', 'audit.stuck_job',"
                                + " '{\"jobId\": \"8\", \"state\": \"blocked\", \"why\": \"it waits for somebody\"}', now())");

        assertCriterion(
                1,
                "time_without_breach",
                "not_met",
                "1 h of 72 h since \\S+Z, when job 7 stood still: its lease has run out");
    }

    @Test
    void an_expired_lease_a_long_block_and_a_dead_letter_are_not_met() {
        threeGoodDays();
        Attempt attempt = bus.running();
        bus.jdbc()
                .update(
                        "update jobs set leased_until = now() - interval '1 hour' where job_id = ?::uuid",
                        attempt.job());
        assertCriterion(1, "losses_recover", "not_met", "the lease of 1 job has run out, and no sweep has ended it");
        bus.recover();
        bus.makeDue(attempt.job());
        Attempt again = bus.claim();
        bus.admitted(again);
        bus.block(again);
        bus.jdbc()
                .update("update jobs set updated_at = now() - interval '30 hours' where job_id = ?::uuid", again.job());
        assertCriterion(1, "blocks_recover", "not_met", "1 job has been blocked for more than a day");

        bus.ask("kill_job", "jobId", again.job(), "reason", "r");
        assertCriterion(1, "dead_letters_explained", "not_met", "1 dead letter waits for a person .*");
        bus.ask("dismiss_job", "jobId", again.job(), "reason", "its cause is known: the host was away");
        assertCriterion(1, "dead_letters_explained", "met", "no dead letter waits");
    }

    @Test
    void phase_2_asks_every_agent_for_evidence_and_a_real_job() {
        onFor(2, 80);
        heartbeat();
        Orders orders = new Orders(bus);
        orders.sync(
                Instant.now(),
                order("patrol", "phase", 2),
                order("rank", "phase", 1, "agent", "coordinator"),
                order("read", "phase", 2, "agent", "research"));
        slot("devops", "patrol", "no_work", 5);
        slot("coordinator", "rank", "completed", 5);
        bus.complete(bus.running());

        assertCriterion(2, "every_agent_order", "not_met", "2 of 3 agents; not yet: research");
        assertCriterion(2, "every_agent_job", "not_met", "1 of 3 agents; not yet: coordinator, research");
        assertCriterion(2, "phase_before", "not_met", "nobody has signed off phase 1");

        slot("research", "read", "completed", 1);
        bus.complete(bus.running("targetAgent", "research", "subject", "research.packet"));
        bus.complete(bus.running("targetAgent", "coordinator", "subject", "plan.new"));
        signOff("1", "Anna", "gate of phase 1 was seen elsewhere");
        assertEquals("met", gate(2).get("status").asText(), () -> gate(2).toString());
    }

    @Test
    void a_failure_pattern_is_new_once() {
        onFor(2, 80);
        bus.complete(bus.running());
        cluster("devops", "host # is away", 200);
        cluster("devops", "host # is away", 2);
        assertCriterion(2, "no_new_failure", "met", "none since \\S+Z");

        cluster("research", "quota # is used up", 6);
        assertCriterion(2, "no_new_failure", "not_met", "agent research failed in a new way: quota # is used up");
        assertCriterion(
                2,
                "time_without_breach",
                "not_met",
                "6 h of 72 h since \\S+Z, when agent research failed in a new way: quota # is used up");
    }

    private void cluster(String agent, String pattern, int hoursAgo) {
        bus.jdbc()
                .update(
                        "insert into events (namespace, topic, payload, created_at) values ('default',"
                                + " 'audit.failure_cluster', jsonb_build_object('agentId', ?, 'pattern', ?),"
                                + " now() - make_interval(hours => ?))",
                        agent,
                        pattern,
                        hoursAgo);
    }

    @Test
    void a_phase_that_is_off_is_not_measured() {
        threeGoodDays();

        gate(2).get("criteria").forEach(each -> {
            assertEquals("not_measured", each.get("status").asText());
            assertTrue(each.get("why").asText().startsWith("phase 2 (fleet) is off since "), each::toString);
        });
        bus.jdbc().update("truncate phases");
        assertEquals(
                "no node has noted its phase yet", gate(1).at("/criteria/0/why").asText());
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "6", "-1", "one", "1.0", "11"})
    void a_phase_that_does_not_exist_is_refused_and_nothing_changes(String phase) {
        for (String function : List.of("phase_gate", "sign_off_phase", "withdraw_sign_off", "list_sign_offs")) {
            Refusal refusal =
                    refusal(() -> bus.ask(function, "phase", phase, "person", "Anna", "reason", "r", "despite", "d"));
            assertEquals("422 invalid_field phase", refusal.brief(), function);
            assertEquals("there is no phase " + phase, refusal.message());
            assertEquals("a number from 1 to 5", refusal.expected());
        }
        assertEquals(0, bus.count("phase_sign_offs"));
    }

    private JsonNode signOff(String phase, String person, String... despite) {
        Object[] input = {"phase", phase, "person", person, "reason", "three quiet days"};
        Object[] all = Arrays.copyOf(input, input.length + (despite.length > 0 ? 2 : 0));
        if (despite.length > 0) {
            all[input.length] = "despite";
            all[input.length + 1] = despite[0];
        }
        return bus.ask("sign_off_phase", all);
    }

    @Test
    void a_gate_that_holds_is_signed_off_once_with_its_evidence() {
        threeGoodDays();

        JsonNode signed = signOff("1", "Anna", "not needed");

        assertTrue(signed.get("changed").asBoolean());
        assertFalse(signed.has("despite"), "the gate was met");
        assertEquals(
                signed.get("gateHash").asText(),
                bus.jdbc()
                        .queryForObject(
                                "select encode(sha256(convert_to(gate::text, 'UTF8')), 'hex') from phase_sign_offs",
                                String.class));
        assertFalse(signOff("1", "Anna").get("changed").asBoolean());
        assertFalse(signOff("1", "Anna", "not needed").get("changed").asBoolean());
        assertEquals(1, bus.count("phase_sign_offs"));
        Refusal other = refusal(() -> signOff("1", "Berta"));
        assertEquals("409 wrong_state phase", other.brief());
        assertTrue(
                other.message()
                        .matches("phase 1 was signed off by Anna \\(operator:anna\\) at \\S+Z: three quiet days"),
                other.message());
        assertEquals(
                "met",
                bus.ask("list_sign_offs", "includeGate", true)
                        .at("/signOffs/0/gate/status")
                        .asText());
        assertEquals(1, bus.count("audit_log where action = 'phase_sign_off.added' and actor = 'operator:anna'"));
    }

    @Test
    void a_gate_that_does_not_hold_is_signed_off_only_despite_that_and_shows_it() {
        onFor(1, 1);

        Refusal refusal = refusal(() -> signOff("1", "Anna"));
        assertEquals("409 gate_not_met phase", refusal.brief());
        assertTrue(
                refusal.message()
                        .startsWith("the gate of phase 1 does not hold: jobs_end_to_end (not measured: no job has"
                                + " succeeded in this time); "),
                refusal.message());
        assertEquals(0, bus.count("phase_sign_offs"));

        signOff("1", "Anna", "we only try the bus");
        assertFalse(signOff("1", "Anna", "we only try the bus").get("changed").asBoolean());
        assertEquals(
                "409 wrong_state phase",
                refusal(() -> signOff("1", "Anna", "it is urgent")).brief());
        assertEquals(
                "409 wrong_state phase", refusal(() -> signOff("1", "Anna")).brief());
        assertEquals(
                "we only try the bus",
                bus.ask("list_phases").at("/phases/0/despite").asText());
        assertTrue(gate(1).get("signOff").asText().endsWith(", although its gate was not met: we only try the bus"));
    }

    @Test
    void a_sign_off_is_withdrawn_once_and_stays_in_the_list() {
        Refusal never = refusal(() -> bus.ask("withdraw_sign_off", "phase", "1", "reason", "r"));
        assertEquals("nobody has signed off phase 1 in namespace default", never.message());
        onFor(1, 1);
        signOff("1", "Anna", "we only try the bus");

        JsonNode withdrawn = bus.ask("withdraw_sign_off", "phase", "1", "reason", "too early");

        assertTrue(withdrawn.get("changed").asBoolean());
        assertFalse(bus.ask("withdraw_sign_off", "phase", "1", "reason", "again")
                .get("changed")
                .asBoolean());
        signOff("1", "Berta", "now it is time");
        JsonNode list = bus.ask("list_sign_offs", "phase", "1").get("signOffs");
        assertEquals(List.of("Berta", "Anna"), list.findValuesAsText("person"));
        assertEquals("too early", list.at("/1/withdrawReason").asText());
        assertFalse(gate(1).get("signOff").asText().contains("Anna"));
    }
}
