package agentbus.start;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.camel.Exchange;
import org.apache.camel.component.seda.BlockingQueueFactory;

/**
 * The queues between routes ({@code seda:}). A thread that waits at an empty queue sleeps until something arrives or the
 * bus stops. With Camel's own queues each of these threads, of which a bus has some twenty-five, wakes once a second to ask
 * whether it may go on: a third of the processor time of an idle bus, and a stop waits for each queue's next second in
 * turn.
 */
final class SedaQueues implements BlockingQueueFactory<Exchange> {
    /** The name of the bean, for {@code camel.component.seda.defaultQueueFactory}. */
    static final String BEAN = "sedaQueues";

    /**
     * The value of {@code camel.component.seda.defaultPollTimeout}, in milliseconds. Chosen: Camel's consumers sleep as long
     * while the bus starts, and then as long between two looks while it stops.
     */
    static final int POLL_MS = 20;

    /** Chosen: a single route that is stopped or loaded again waits at most as long for its threads. */
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(3);

    private final List<WakingQueue> queues = new CopyOnWriteArrayList<>();
    private volatile boolean stopping;

    @Override
    public BlockingQueue<Exchange> create() {
        return create(Integer.MAX_VALUE);
    }

    @Override
    public BlockingQueue<Exchange> create(int capacity) {
        WakingQueue queue = new WakingQueue(capacity);
        queues.add(queue);
        return queue;
    }

    /** Wakes all threads that wait, and lets them wait no longer than Camel says from now on. Call it before a stop. */
    void stopping() {
        stopping = true;
        queues.forEach(WakingQueue::wakeAll);
    }

    private final class WakingQueue extends LinkedBlockingQueue<Exchange> {
        private static final long serialVersionUID = 1L;

        private final transient Lock lock = new ReentrantLock();
        private final transient Condition news = lock.newCondition();

        WakingQueue(int capacity) {
            super(capacity);
        }

        @Override
        public void put(Exchange exchange) throws InterruptedException {
            super.put(exchange);
            wakeOne();
        }

        @Override
        public boolean offer(Exchange exchange) {
            boolean taken = super.offer(exchange);
            wakeOne();
            return taken;
        }

        @Override
        public boolean offer(Exchange exchange, long timeout, TimeUnit unit) throws InterruptedException {
            boolean taken = super.offer(exchange, timeout, unit);
            wakeOne();
            return taken;
        }

        /** Waits for an exchange; the time counts only while the bus stops. */
        @Override
        public Exchange poll(long timeout, TimeUnit unit) throws InterruptedException {
            lock.lockInterruptibly();
            try {
                boolean hurried = stopping;
                long left = hurried ? unit.toNanos(timeout) : LONGEST_WAIT.toNanos();
                Exchange next = poll();
                while (next == null && left > 0 && stopping == hurried) {
                    left = news.awaitNanos(left);
                    next = poll();
                }
                return next;
            } finally {
                lock.unlock();
            }
        }

        private void wakeOne() {
            lock.lock();
            try {
                news.signal();
            } finally {
                lock.unlock();
            }
        }

        private void wakeAll() {
            lock.lock();
            try {
                news.signalAll();
            } finally {
                lock.unlock();
            }
        }
    }
}
