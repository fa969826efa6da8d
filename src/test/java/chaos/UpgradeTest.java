package chaos;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import agentbus.release.Commands;
import agentbus.release.Release;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * An upgrade without a pause, by real processes: a node of the release before works under load, a node of the new release
 * migrates the database beside it, and the old node is then stopped. {@code ./mvnw -Prelease verify} runs this test; it builds
 * the release before from the commit that {@code release.before} in the pom names.
 */
class UpgradeTest {
    /** Chosen: in jobs a second, some dozens of jobs are in flight while the new node starts. */
    private static final double RATE = 10;

    private static final Duration PATIENCE = Duration.ofSeconds(120);

    @TempDir
    private Path home;

    @Test
    void jobs_in_flight_survive_the_migration_and_the_stop_of_the_old_node() throws Exception {
        String before = System.getProperty("release.before", "");
        assumeTrue(Files.isRegularFile(Release.archive()), "run by ./mvnw -Prelease verify, which makes the archive");
        assumeTrue(isInHistory(before), "SKIPPED: commit " + before + " is not in the history of this checkout");
        Path old = Files.createDirectory(home.resolve("old"));
        Commands.run(
                Path.of("."),
                1,
                Map.of(),
                "git",
                "archive",
                "-o",
                home.resolve("old.tar").toString(),
                before);
        Commands.run(old, 1, Map.of(), "tar", "xf", home.resolve("old.tar").toString());
        Commands.build(old, Map.of());
        Release release = Release.unpack(home);

        try (Site site = new Site(home, home, RATE)) {
            site.start("old", old.resolve("target/classes") + ":" + old.resolve("target/lib") + "/*", Map.of());
            String oldest = schema(site);
            try (Load load = site.load("upgrade")) {
                await("the old node has jobs in flight")
                        .atMost(PATIENCE)
                        .until(() -> count(site, "jobs where state = 'running'") > 0 && load.asked() > 2 * RATE);
                String dispatcher = site.dispatcherId("old");
                site.start(
                        "new",
                        release.classPath(),
                        Map.of("AGENTBUS_SOURCE_DIR", release.directory().toString()));
                assertTrue(schema(site).compareTo(oldest) > 0, "the new node has migrated the database");
                long closed = closed(site, dispatcher);
                await("the old node works on the new schema")
                        .atMost(PATIENCE)
                        .until(() -> closed(site, dispatcher) > closed + RATE);
                await("the new node works, too")
                        .atMost(PATIENCE)
                        .until(() -> closed(site, site.dispatcherId("new")) > RATE);
                site.node("old").process().signal("TERM");
                site.node("old").process().awaitEnd(Duration.ofSeconds(60));
                int asked = load.asked();
                await("the new node works alone").atMost(PATIENCE).until(() -> load.asked() > asked + 2 * RATE);
                load.stop();
                await("every job has ended")
                        .atMost(PATIENCE)
                        .until(() -> count(site, "jobs where ended_at is null") == 0);
                await("every agent has been told")
                        .atMost(PATIENCE)
                        .until(() -> site.gateway().ledger().running() == 0);
                Verdict verdict = Verdict.of(site, load, "upgrade");
                // A second run with a reason in the database is allowed: on a busy machine an answer may come too late.
                assertTrue(verdict.isClean(), verdict::toString);
            }
        }
    }

    private static boolean isInHistory(String commit) throws InterruptedException {
        try {
            Commands.run(Path.of("."), 1, Map.of(), "git", "cat-file", "-e", commit + "^{commit}");
            return true;
        } catch (IllegalStateException | IOException unknown) {
            return false;
        }
    }

    private static String schema(Site site) {
        return site.jdbc().queryForObject("select max(version) from flyway_schema_history where success", String.class);
    }

    private static long closed(Site site, String dispatcher) {
        return site.jdbc()
                .queryForObject(
                        "select count(*) from job_attempts where dispatcher_id = ? and status = 'succeeded'",
                        Long.class,
                        dispatcher);
    }

    private static long count(Site site, String what) {
        return site.jdbc().queryForObject("select count(*) from " + what, Long.class);
    }
}
