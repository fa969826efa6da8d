package agentbus.sql;

import static agentbus.sql.Machine.json;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** The decisions on opportunities, by people and by the agents of a fleet with the rights of the ordinary one. */
final class Decisions {
    private final Machine bus;
    final ProposalRows rows;

    private Decisions(Machine bus) {
        this.bus = bus;
        this.rows = new ProposalRows(bus);
    }

    /** Gives the coordinator both rights, and research, which stands for the tracker, that to triage. */
    static Decisions of(Machine bus) {
        bus.jdbc()
                .update("update agents set may_triage = agent_id in ('coordinator', 'research'),"
                        + " may_convert = agent_id = 'coordinator'");
        return new Decisions(bus);
    }

    static ObjectNode coordinator() {
        return Machine.agent("coordinator");
    }

    static ObjectNode tracker() {
        return Machine.agent("research");
    }

    static ObjectNode scout() {
        return Machine.agent("devops");
    }

    static ObjectNode person(String name) {
        return json("kind", "operator", "name", name);
    }

    /** Inserts a new opportunity; see {@link ProposalRows#opportunity}. */
    String opportunity(Object... columns) {
        return rows.opportunity(columns);
    }

    JsonNode triage(ObjectNode by, String opportunity, String decision, String notes, Object... more) {
        ObjectNode input = json("opportunityId", opportunity, "decision", decision, "notes", notes);
        input.setAll(json(more));
        return bus.call("triage_opportunity", by, input);
    }

    JsonNode park(ObjectNode by, String opportunity, String notes, int days) {
        return triage(by, opportunity, "parked", notes, "until", rows.ago("days => " + -days));
    }

    JsonNode convert(ObjectNode by, String opportunity, Object... more) {
        ObjectNode input = json("opportunityId", opportunity, "subject", "infra.check", "notes", "Worth it.");
        input.setAll(json(more));
        return bus.call("convert_opportunity", by, input);
    }

    JsonNode merge(ObjectNode by, String opportunity, String into, String notes) {
        return bus.call("merge_opportunity", by, json("opportunityId", opportunity, "into", into, "notes", notes));
    }

    JsonNode get(String opportunity) {
        return bus.ask("get_opportunity", "opportunityId", opportunity);
    }

    JsonNode sweep() {
        return bus.one("select sweep_proposals()");
    }

    String status(String opportunity) {
        return bus.jdbc()
                .queryForObject(
                        "select status from opportunities where opportunity_id = ?::uuid", String.class, opportunity);
    }

    long reviews(String opportunity) {
        return bus.count("opportunity_reviews where opportunity_id = ?::uuid", opportunity);
    }
}
