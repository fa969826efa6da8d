package agentbus.sql;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.springframework.jdbc.core.JdbcTemplate;

/** The queue before or after one operation, for what only a comparison shows. */
final class Snapshot {
    private static final Set<String> ENDED = Set.of("succeeded", "failed", "dead", "cancelled");

    private final Map<String, JsonNode> jobs = new HashMap<>();
    private final Map<String, JsonNode> lanes = new HashMap<>();
    private final long lastEvent;
    private final long lastAudit;
    private final String told;
    private final String toldBefore;

    private Snapshot(JsonNode all) {
        all.get("jobs").forEach(job -> jobs.put(job.get("job_id").asText(), job));
        all.get("lanes").forEach(lane -> lanes.put(lane.get("name").asText(), lane));
        lastEvent = all.get("lastEvent").asLong();
        lastAudit = all.get("lastAudit").asLong();
        told = all.get("told").asText();
        toldBefore = all.get("toldBefore").asText();
    }

    /**
     * Takes a snapshot.
     *
     * @param jdbc the database
     * @param before the one before, whose events and audit rows are read again; null for the first one
     */
    static Snapshot of(JdbcTemplate jdbc, Snapshot before) {
        return new Snapshot(Machine.parse(jdbc.queryForObject(
                """
                select jsonb_build_object(
                  'jobs', (select coalesce(jsonb_agg(to_jsonb(j)), '[]') from jobs j),
                  'lanes', (
                    select jsonb_agg(l) from (
                      select 'agent ' || agent_id as name, max_concurrency as room, (
                        select count(*) from jobs j where j.target_agent = a.agent_id and j.state in ('leased', 'running')
                          and j.leased_until > now()) as used
                      from agents a
                      union all
                      select 'gateway ' || gateway, max_in_flight, (
                        select count(*) from jobs j where j.delivery = 'hook' and j.state in ('leased', 'running')
                          and j.leased_until > now())
                      from gateways g) l),
                  'lastEvent', (select coalesce(max(seq), 0) from events),
                  'lastAudit', (select coalesce(max(audit_id), 0) from audit_log),
                  'told', (select md5(coalesce(string_agg(e::text, '' order by seq), '')) from events e)
                    || (select md5(coalesce(string_agg(l::text, '' order by audit_id), '')) from audit_log l),
                  'toldBefore', (select md5(coalesce(string_agg(e::text, '' order by seq), '')) from events e where seq <= ?)
                    || (select md5(coalesce(string_agg(l::text, '' order by audit_id), '')) from audit_log l where audit_id <= ?))
                """,
                String.class,
                before == null ? 0 : before.lastEvent,
                before == null ? 0 : before.lastAudit)));
    }

    /** Whether an attempt is its job's live one. */
    boolean isLive(Attempt attempt) {
        JsonNode job = jobs.get(attempt.job());
        return job != null && attempt.id().equals(job.get("live_attempt").asText());
    }

    /**
     * What one operation did that it must not do.
     *
     * @param after the queue after it
     * @param op the operation
     * @param speaker the attempt that spoke, or null
     * @return what is broken, empty when nothing is
     */
    List<String> brokenBy(Snapshot after, Op op, Attempt speaker) {
        List<String> broken = new ArrayList<>();
        jobs.forEach((id, was) -> {
            JsonNode is = after.jobs.get(id);
            if (is == null) {
                broken.add("a job is lost: " + id);
                return;
            }
            String from = was.get("state").asText();
            String to = is.get("state").asText();
            if (ENDED.contains(from) && !from.equals(to)) {
                // A job that was killed before its dependencies had ended waits again, or is blocked at once.
                boolean redriven = (op instanceof Op.Redrive || isBulk(op, "redrive"))
                        && Set.of("queued", "waiting", "blocked").contains(to)
                        && Set.of("dead", "failed").contains(from);
                boolean dismissed = (op instanceof Op.Cancel
                                || op instanceof Op.Handle handle && handle.grip() == Op.Grip.DISMISS
                                || isBulk(op, "dismiss"))
                        && to.equals("cancelled")
                        && from.equals("dead");
                if (!redriven && !dismissed) {
                    broken.add("an end was not final, " + from + " to " + to + ": " + id);
                }
            }
            int step = is.get("attempt_no").asInt() - was.get("attempt_no").asInt();
            if (step < 0 || step > 1) {
                broken.add("the attempt's number went by " + step + ": " + id);
            }
            if (step == 1 && !(op instanceof Op.Claim || op instanceof Op.Pull)) {
                broken.add("an attempt without a claim: " + id);
            }
        });
        if (speaker != null && !isLive(speaker) && !jobs.equals(after.jobs)) {
            broken.add("an attempt that is over has changed a job: " + speaker.id() + ", " + difference(after));
        }
        if (!told.equals(after.toldBefore)) {
            broken.add("an event or audit row was changed or removed");
        }
        if (op instanceof Op.Claim || op instanceof Op.Pull) {
            after.lanes.forEach((name, is) -> {
                int used = is.get("used").asInt();
                if (used > lanes.get(name).get("used").asInt()
                        && used > is.get("room").asInt()) {
                    broken.add("a claim gave " + name + " " + used + " at once, and it has room for " + is.get("room"));
                }
            });
        }
        return broken;
    }

    private static boolean isBulk(Op op, String operation) {
        return op instanceof Op.Bulk bulk && bulk.operation().equals(operation);
    }

    private String difference(Snapshot after) {
        StringBuilder text = new StringBuilder();
        after.jobs.forEach((id, is) -> {
            if (!is.equals(jobs.get(id))) {
                text.append(id)
                        .append(" was ")
                        .append(jobs.get(id))
                        .append(" and is ")
                        .append(is);
            }
        });
        return text.toString();
    }
}
