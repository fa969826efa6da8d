package agentbus.health;

import java.lang.management.ManagementFactory;
import java.lang.management.MemoryUsage;
import java.util.function.Supplier;

/**
 * Returns memory to the operating system after a busy time. The serial collector shrinks the heap only at a full
 * collection, and a process that has become quiet has none.
 */
public final class Heap {
    /** Chosen: an ordinary bus stays below it and so is never collected for this reason. */
    private static final long SMALL = 128L << 20;
    /** Chosen: with the launcher's MaxHeapFreeRatio of 30, a collected heap is one and a half times what is in use. */
    private static final int WORTHWHILE = 2;

    private final Supplier<MemoryUsage> usage;
    private final Runnable collect;
    private long inUse;

    /** The heap of this process. */
    public Heap() {
        this(() -> ManagementFactory.getMemoryMXBean().getHeapMemoryUsage(), System::gc);
    }

    /**
     * A heap to be watched.
     *
     * @param usage measures the heap
     * @param collect collects all garbage
     */
    Heap(Supplier<MemoryUsage> usage, Runnable collect) {
        this.usage = usage;
        this.collect = collect;
    }

    /**
     * Collects the garbage if the heap is large and most of it was free after the last time. To be called every few
     * minutes, because a collection stops the process for a tenth of a second or more.
     */
    public synchronized void shrink() {
        long committed = usage.get().getCommitted();
        if (committed > SMALL && committed > WORTHWHILE * inUse) {
            collect.run();
            inUse = usage.get().getUsed();
        }
    }
}
