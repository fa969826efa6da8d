package agentbus.orders;

import agentbus.db.Statements;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.time.zone.ZoneRulesProvider;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The time zone data of this JVM, from which the slots of standing orders are computed, compared with that of Postgres.
 * If they differ for a zone in use, one of them is out of date, and slots may come an hour early or late.
 */
public final class ZoneData {
    private static final Logger LOG = LoggerFactory.getLogger(ZoneData.class);

    private ZoneData() {}

    /**
     * The version of the JVM's time zone data.
     *
     * @return such as {@code 2025a}, by the IANA's names
     */
    public static String version() {
        return ZoneRulesProvider.getVersions("Europe/London").lastEntry().getKey();
    }

    /**
     * Compares the zones of a namespace's orders for the next twelve months, notes the result for {@code health}, and
     * warns about each zone on which Java and Postgres disagree.
     *
     * @param statements runs the statements
     * @param namespace the namespace of the orders
     */
    static void compare(Statements statements, String namespace) {
        ArrayNode differing = JsonNodeFactory.instance.arrayNode();
        for (JsonNode zone : statements.json("sql/statements/start/order-zones.sql", namespace)) {
            String name = zone.get("zone").asText();
            for (JsonNode offset : zone.get("offsets")) {
                if (!agrees(ZoneId.of(name), offset)) {
                    LOG.warn(
                            "Java (time zone data {}) and Postgres have different rules for {} at {}; update the older one,"
                                    + " or these orders may run at a wrong hour: {}",
                            version(),
                            name,
                            offset.get("at").asText(),
                            zone.get("orders"));
                    differing.add(name);
                    break;
                }
            }
        }
        statements.text("sql/statements/start/note-zone-data.sql", namespace, version(), differing.toString());
    }

    /** Whether Java has the same offset as Postgres, which gives none for a zone that it does not know. */
    private static boolean agrees(ZoneId zone, JsonNode offset) {
        int seconds = zone.getRules()
                .getOffset(OffsetDateTime.parse(offset.get("at").asText()).toInstant())
                .getTotalSeconds();
        return offset.path("seconds").isInt() && offset.get("seconds").asInt() == seconds;
    }
}
