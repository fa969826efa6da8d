package agentbus.eval;

import agentbus.settings.ProgramFiles;
import agentbus.settings.Settings;
import agentbus.settings.StartFailure;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import javax.sql.DataSource;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.JdbcTemplate;

/** Asks a database with the schema for the memories of each job of a set, as the bus does before a prompt. */
final class MemoryEvaluation {
    private static final String FOLDER = "sql/statements/eval/";

    private final JdbcTemplate jdbc;
    private final ProgramFiles files;
    private final String mapping;

    /**
     * One memory that was found for a job.
     *
     * @param id its id in the set
     * @param bucket why it was chosen
     * @param score its score
     * @param tokens its tokens in a prompt
     */
    record Found(String id, String bucket, double score, int tokens) {}

    /**
     * What was found for one job.
     *
     * @param job the job
     * @param found the memories, the best first
     * @param millis how long the database took, with the way to it
     */
    record Answer(MemorySet.Job job, List<Found> found, double millis) {}

    /**
     * An evaluation.
     *
     * @param database the connections of a database with the schema and without memories
     * @param files holds the statements
     * @param settings the settings that name the fields of payloads with the keys of a job
     */
    MemoryEvaluation(DataSource database, ProgramFiles files, Settings settings) {
        this.jdbc = new JdbcTemplate(database);
        this.files = files;
        ObjectNode keys = Json.object();
        for (String scope : List.of("project", "person", "service")) {
            keys.put(scope, settings.text("agentbus.memory.keys." + scope));
        }
        this.mapping = keys.toString();
    }

    /**
     * Loads the memories of a set and asks for each of its jobs. The first job is asked for once more before, because the
     * first call of a session compiles the functions.
     *
     * @param set the set
     * @return the answers, in the order of the jobs
     * @throws StartFailure when the database refuses a memory or a question
     */
    List<Answer> run(MemorySet set) {
        Map<String, String> ids = set.idsByMemoryId();
        try {
            load(set);
            ask(set.jobs().get(0), ids);
            List<Answer> answers = new ArrayList<>();
            for (MemorySet.Job job : set.jobs()) {
                answers.add(ask(job, ids));
            }
            return answers;
        } catch (DataAccessException refused) {
            throw new StartFailure(
                    "the evaluation has failed in the database: "
                            + refused.getMostSpecificCause().getMessage(),
                    refused);
        }
    }

    /** Loads the memories of a set into the namespace default. */
    void load(MemorySet set) {
        jdbc.queryForObject(text("load-memories"), Integer.class, set.memories().toString());
        jdbc.execute(text("analyze-memories"));
    }

    private Answer ask(MemorySet.Job job, Map<String, String> ids) {
        long began = System.nanoTime();
        List<Found> found = jdbc.query(
                text("memories-for-job"),
                (row, number) -> new Found(
                        ids.get(row.getObject("memory_id", UUID.class).toString()),
                        row.getString("bucket"),
                        row.getDouble("score"),
                        row.getInt("tokens")),
                job.row().toString(),
                mapping);
        return new Answer(job, found, (System.nanoTime() - began) / 1e6);
    }

    private String text(String name) {
        return files.text(FOLDER + name + ".sql");
    }
}
