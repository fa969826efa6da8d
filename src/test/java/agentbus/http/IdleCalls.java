package agentbus.http;

import agentbus.harness.Answer;
import agentbus.harness.Door;
import java.util.Map;
import java.util.function.Function;

/** A call of each operation of idle thinking and of the vault that the bus answers with 200. */
final class IdleCalls {
    static final Map<String, Function<Door, Answer>> IDLE =
            Map.of("idleReport", IdleCalls::report, "listVaults", door -> {
                door.database()
                        .jdbc()
                        .update("insert into vaults (namespace, directory) values ('default', '/srv/vault')");
                return door.get("/v1/vaults");
            });

    private IdleCalls() {}

    private static Answer report(Door door) {
        door.database()
                .jdbc()
                .update("insert into idle_runs (namespace, agent_id, order_name, slot_id, job_id, gateway, question,"
                        + " budget, began_at, outcome, seconds, ended_at) values ('default', 'worker', 'think', new_id(), new_id(),"
                        + " 'default', 'What changed?', idle_budget_defaults(), now(), 'no_work', 60, now())");
        return door.get("/v1/idle-report?days=7");
    }
}
