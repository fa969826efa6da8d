package agentbus.bench;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A queue of others as a side of {@code bench peers}: a program of {@code src/bench/peers}, which obeys commands on its
 * standard input. Its jobs call the gateway's {@link ClosingGateway#PEER_HOOK}, and it finishes them itself.
 */
final class Peer implements Side {
    /** Chosen: a slow line may need minutes for the peer's own Node (50 MB) and some plugins of Maven. */
    private static final int INSTALL_SECONDS = 900;

    private static final int START_SECONDS = 300;

    private final Rig rig;
    private final String name;
    private final List<String> command;
    private String version = "";
    private int atOnce;
    private Child child;

    private Peer(Rig rig, String name, List<String> command) {
        this.rig = rig;
        this.name = name;
        this.command = command;
    }

    /**
     * Installs the peers in {@code target/peers} of the source tree, if they are not there.
     *
     * @param source the source tree
     * @param directory for the log of the installation
     * @return the directory of the peers
     * @throws BenchFailure when there is no source tree, when Node or npm is missing, or when a download fails
     */
    static Path install(Path source, Path directory) {
        Path script = source.resolve("src/bench/peers/install.sh").toAbsolutePath();
        if (!Files.isRegularFile(script)) {
            throw new BenchFailure("bench peers needs the source tree of agentbus, because a release does not contain"
                    + " the peers; there is no " + script);
        }
        Path peers = source.resolve("target/peers").toAbsolutePath();
        Child.start(
                        "the installation of the peers",
                        List.of("bash", script.toString(), peers.toString()),
                        Map.of("JAVA_HOME", System.getProperty("java.home")),
                        directory.resolve("install.log"),
                        INSTALL_SECONDS,
                        line -> line.equals("installed"))
                .close();
        return peers;
    }

    /**
     * The two peers.
     *
     * @param rig the bench's equipment
     * @param peers the directory of {@link #install}
     * @return graphile-worker and db-scheduler, not started
     */
    static List<Side> both(Rig rig, Path peers) {
        return List.of(
                new Peer(
                        rig,
                        "graphile-worker",
                        List.of(
                                peers.resolve("node").toString(),
                                peers.resolve("graphile-worker.mjs").toString())),
                new Peer(
                        rig,
                        "db-scheduler",
                        List.of(Child.java(), "-cp", peers.resolve("db-scheduler/lib") + "/*", "DbSchedulerPeer")));
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public String version() {
        return version;
    }

    @Override
    public void start(int most) {
        Map<String, String> access = rig.database().access();
        String url = access.get("agentbus.database.url");
        Map<String, String> environment = new HashMap<>();
        environment.put("HOOK", rig.gatewayUrl(ClosingGateway.PEER_HOOK));
        environment.put("DATABASE_URL", url);
        environment.put("PGUSER", access.get("agentbus.database.user"));
        environment.put("PGPASSWORD", access.get("agentbus.database.password"));
        environment.put("JDBC_URL", "jdbc:" + url);
        atOnce = most;
        child = Child.start(
                name,
                command,
                environment,
                rig.directory().resolve(name + ".log"),
                START_SECONDS,
                line -> line.startsWith("ready " + name + " "));
        version = child.greeting().split(" ")[2];
    }

    @Override
    public void fill(int jobs) {
        child.ask("fill " + jobs, START_SECONDS);
    }

    @Override
    public long work(int jobs, int seconds) {
        return Long.parseLong(child.ask("work " + atOnce, seconds).split(" ")[1]);
    }

    @Override
    public void rate(int jobs, int perSecond, int seconds) {
        child.ask("rate " + jobs + " " + perSecond, seconds);
    }

    @Override
    public ProcessHandle process() {
        return child.handle();
    }

    @Override
    public void stop() {
        if (child != null) {
            child.close();
            child = null;
        }
    }
}
