package agentbus.harness;

import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.springframework.jdbc.core.JdbcTemplate;

/** Jobs of a test: enqueues them as an operator, and reads their rows. */
public final class TestJobs {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final JdbcTemplate jdbc;

    /**
     * Jobs in one database.
     *
     * @param jdbc statements in the schema
     */
    public TestJobs(JdbcTemplate jdbc) {
        this.jdbc = jdbc;
    }

    /**
     * Enqueues a job.
     *
     * @param agent the target agent; the subject is {@code work}
     * @return the job's id
     */
    public UUID enqueue(String agent) {
        return enqueue(agent, "{}");
    }

    /**
     * Enqueues a job.
     *
     * @param agent the target agent; the subject is {@code work}
     * @param more further fields of the operation enqueueJob, a JSON object
     * @return the job's id
     */
    public UUID enqueue(String agent, String more) {
        return jdbc.queryForObject(
                "select (enqueue_job('{\"kind\": \"operator\", \"name\": \"test\"}',"
                        + " jsonb_build_object('targetAgent', ?::text, 'subject', 'work') || ?::jsonb)"
                        + " -> 'job' ->> 'jobId')::uuid",
                UUID.class,
                agent,
                more);
    }

    /**
     * Enqueues many jobs with one statement.
     *
     * @param count the number of jobs for each agent
     * @param agents the target agents
     */
    public void enqueueMany(int count, List<String> agents) {
        jdbc.update(
                "insert into jobs (namespace, target_agent, job_type, subject, state, timeout_seconds, hard_timeout_seconds)"
                        + " select 'default', a, 'reactive', 'work', 'queued', 600, 600"
                        + " from generate_series(1, ?) n cross join unnest(string_to_array(?, ',')) a",
                count,
                String.join(",", agents));
    }

    /**
     * Reads a job.
     *
     * @param jobId the job's id
     * @return its row
     */
    public Map<String, Object> job(UUID jobId) {
        return jdbc.queryForMap("select * from jobs where job_id = ?", jobId);
    }

    /**
     * Reads a job's attempts.
     *
     * @param jobId the job's id
     * @return their rows, oldest first
     */
    public List<Map<String, Object>> attempts(UUID jobId) {
        return jdbc.queryForList("select * from job_attempts where job_id = ? order by attempt_no", jobId);
    }

    /**
     * Counts the jobs in a state.
     *
     * @param state the state
     * @return the number of jobs
     */
    public long count(String state) {
        return jdbc.queryForObject("select count(*) from jobs where state = ?", Long.class, state);
    }

    /**
     * Waits until a job is in a state.
     *
     * @param jobId the job
     * @param state the state
     */
    public void awaitState(UUID jobId, String state) {
        await(jobId + " is " + state)
                .atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(20))
                .until(() -> job(jobId).get("state"), state::equals);
    }

    /**
     * Waits until a number of jobs have succeeded.
     *
     * @param count the number of jobs
     */
    public void awaitSucceeded(long count) {
        await(count + " jobs have succeeded")
                .atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(50))
                .until(() -> count("succeeded"), done -> done == count);
    }
}
