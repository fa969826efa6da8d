package chaos;

import agentbus.demo.GatewayLedger.StartedRun;
import agentbus.sql.Invariants;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.springframework.jdbc.core.JdbcTemplate;

/**
 * The result of one load, by three independent records: the jobs that the door accepted; the runs that the gateway started,
 * with the answers to their closes; and the bus's database.
 *
 * @param asked jobs that were asked for
 * @param repeated requests made again because they got no answer
 * @param doubled jobs that a repeated request made a second time, because the first job had ended meanwhile
 * @param succeeded jobs that have succeeded in the database
 * @param runs runs that the gateway started
 * @param rerun jobs that ran more than once
 * @param staleRefused closes of attempts that were over and were refused
 * @param lost jobs that the door accepted and that have not succeeded, or whose accepted close is not in the database
 * @param stuck jobs that have not ended, and broken invariants
 * @param staleAccepted jobs with two accepted closes, or with the summary of an attempt that did not succeed
 * @param unexplained second runs of a job for which the database gives no reason
 */
record Verdict(
        int asked,
        int repeated,
        int doubled,
        int succeeded,
        int runs,
        int rerun,
        int staleRefused,
        List<String> lost,
        List<String> stuck,
        List<String> staleAccepted,
        List<String> unexplained) {

    private static final int OK = 200;
    private static final int CONFLICT = 409;

    /** Whether no job is in any of the four lists. */
    boolean isClean() {
        return lost.isEmpty() && stuck.isEmpty() && staleAccepted.isEmpty() && unexplained.isEmpty();
    }

    /** Compares the three records of a load that has stopped, after its jobs have had time to end. */
    static Verdict of(Site site, Load load, String name) {
        JdbcTemplate jdbc = site.jdbc();
        Map<String, Map<String, Object>> jobs = new HashMap<>();
        jdbc.queryForList(
                        "select job_id::text as id, state, summary, dedupe_key, next_move(j) as next from jobs j"
                                + " where dedupe_key like ? || '-%'",
                        name)
                .forEach(row -> jobs.put((String) row.get("id"), row));
        Map<String, Map<String, Object>> attempts = new HashMap<>();
        jdbc.queryForList(
                        "select a.job_id || '-' || a.attempt_no as key, a.status, a.error, a.unknown_since, a.adoptions"
                                + " from job_attempts a join jobs j using (job_id) where j.dedupe_key like ? || '-%'",
                        name)
                .forEach(row -> attempts.put((String) row.get("key"), row));
        Map<String, List<StartedRun>> runs = site.gateway().ledger().runs().stream()
                .filter(run -> jobs.containsKey(run.jobId()))
                .collect(Collectors.groupingBy(StartedRun::jobId));
        Map<String, Integer> told = site.workers().told();

        List<String> lost = new ArrayList<>();
        load.owed().forEach((key, id) -> {
            Map<String, Object> job = jobs.get(id);
            if (job == null || !job.get("state").equals("succeeded")) {
                lost.add(key + " " + id + ": " + (job == null ? "no such job" : job.get("state")));
            }
        });
        List<String> stuck = new ArrayList<>(Invariants.broken(jdbc));
        List<String> stale = new ArrayList<>();
        List<String> unexplained = new ArrayList<>();
        jobs.forEach((id, job) -> {
            List<StartedRun> own = runs.getOrDefault(id, List.of());
            List<String> yes = own.stream()
                    .map(StartedRun::idempotencyKey)
                    .filter(key -> told.getOrDefault(key, 0) == OK)
                    .distinct()
                    .toList();
            if (!job.get("state").equals("succeeded")) {
                stuck.add(id + " is " + job.get("state") + "; next: " + job.get("next"));
                yes.forEach(key -> lost.add("the close of " + key + " was accepted and is gone"));
            } else if (yes.size() > 1) {
                stale.add(id + ": " + yes + " were all told yes");
            } else if (!own.isEmpty()
                    && !attempts.getOrDefault((String) job.get("summary"), Map.of())
                            .getOrDefault("status", "")
                            .equals("succeeded")) {
                stale.add(id + " carries the word of " + job.get("summary"));
            }
            unexplained.addAll(withoutReason(id, own, attempts));
        });
        return new Verdict(
                load.asked(),
                load.repeated(),
                jobs.size() - load.owed().size(),
                (int) jobs.values().stream()
                        .filter(job -> job.get("state").equals("succeeded"))
                        .count(),
                runs.values().stream().mapToInt(List::size).sum(),
                (int) runs.values().stream().filter(own -> own.size() > 1).count(),
                (int) runs.values().stream()
                        .flatMap(List::stream)
                        .filter(run -> told.getOrDefault(run.idempotencyKey(), 0) == CONFLICT)
                        .count(),
                lost,
                stuck,
                stale,
                unexplained);
    }

    /** The second and further runs of a job for which no attempt says that its outcome was unknown or its time was over. */
    private static List<String> withoutReason(
            String id, List<StartedRun> runs, Map<String, Map<String, Object>> attempts) {
        List<String> without = new ArrayList<>();
        Map<String, Long> byKey =
                runs.stream().collect(Collectors.groupingBy(StartedRun::idempotencyKey, Collectors.counting()));
        byKey.forEach((key, count) -> {
            Map<String, Object> attempt = attempts.get(key);
            if (attempt == null) {
                without.add(key + " ran, and there is no such attempt");
            } else if (count > 1) {
                without.add(key + " ran " + count + " times");
            } else if (attempt.get("status").equals("undelivered")) {
                // The database says that it never ran, and the gateway has run it.
                without.add(key + " ran, and counts as undelivered: " + attempt.get("error"));
            } else if (byKey.size() > 1 && attempt.get("status").equals("timed_out") && attempt.get("error") == null) {
                without.add(key + " timed out without a reason");
            }
        });
        long succeeded = byKey.keySet().stream()
                .filter(key ->
                        "succeeded".equals(attempts.getOrDefault(key, Map.of()).get("status")))
                .count();
        long timedOut = byKey.keySet().stream()
                .filter(key ->
                        "timed_out".equals(attempts.getOrDefault(key, Map.of()).get("status")))
                .count();
        if (byKey.size() > 1 && succeeded + timedOut < byKey.size()) {
            without.add(id + " ran " + byKey.size() + " times, of which " + timedOut + " timed out");
        }
        return without;
    }
}
