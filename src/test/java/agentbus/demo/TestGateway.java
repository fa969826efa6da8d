package agentbus.demo;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Predicate;

/** A simulated gateway whose requests and runs are counted, and whose answers can be made to fail. */
public final class TestGateway extends SimulatedGateway {
    private final Watch watch;

    /**
     * Starts a gateway.
     *
     * @param options how it is set up
     * @param handler does the work of a run
     */
    public TestGateway(TestGatewayOptions options, RunHandler handler) {
        this(options, handler, new Watch(options.ledgerEntries()));
    }

    private TestGateway(TestGatewayOptions options, RunHandler handler, Watch watch) {
        super(options.build(), handler, watch);
        this.watch = watch;
    }

    /** The requests and runs over all lives of this gateway. */
    public GatewayLedger ledger() {
        return watch.ledger;
    }

    /**
     * Installs a plugin of the gateway. It is called on a thread of its own, and not for the runs of a crash.
     *
     * @param atRunEnd takes each run that has ended, and how
     */
    public void plugin(BiConsumer<AdmittedRun, RunEnd> atRunEnd) {
        watch.plugin = atRunEnd;
    }

    /** From now on the gateway answers every hook 503 with Retry-After and is not ready; admitted and waiting runs go on. */
    public void drain() {
        watch.draining = true;
    }

    /** Ends a drain. */
    public void resume() {
        watch.draining = false;
    }

    @Override
    public synchronized void restart() {
        resume();
        super.restart();
    }

    /**
     * Lets the next hooks with a good token fail, before any lasting fault; calls add up.
     *
     * @param count how many
     * @param fault the fault
     */
    public void failNext(int count, Fault fault) {
        watch.faults.failNext(count, fault);
    }

    /**
     * Lets all hooks with a good token fail that match, until removed.
     *
     * @param when which ones
     * @param fault the fault
     * @return removes this fault
     */
    public Runnable fault(Predicate<HookRequest> when, Fault fault) {
        return watch.faults.addLasting(when, fault);
    }

    /** Removes all faults. */
    public void clearFaults() {
        watch.faults.clear();
    }

    @Override
    public synchronized void close() {
        super.close();
        watch.plugins.shutdownNow();
    }

    private static final class Watch implements GatewayWatch {
        private final GatewayLedger ledger;
        private final FaultPlan faults = new FaultPlan();
        private final ExecutorService plugins = Executors.newCachedThreadPool(task -> {
            Thread thread = new Thread(task, "gateway-plugin");
            thread.setDaemon(true);
            return thread;
        });
        private volatile BiConsumer<AdmittedRun, RunEnd> plugin = (run, end) -> {};
        private volatile boolean draining;

        private Watch(int ledgerEntries) {
            ledger = new GatewayLedger(ledgerEntries);
        }

        @Override
        public boolean draining() {
            return draining;
        }

        @Override
        public Request received(String method, String path) {
            return new FaultyRequest(ledger.received(method, path), faults);
        }

        @Override
        public Consumer<RunEnd> started(AdmittedRun run) {
            GatewayLedger.RunEntry entry = ledger.started(run);
            return end -> {
                entry.ended(end);
                if (end != RunEnd.KILLED) {
                    plugins.execute(() -> plugin.accept(run, end));
                }
            };
        }
    }
}
