package agentbus.start;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.camel.Exchange;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.support.DefaultExchange;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class SedaQueuesTest {
    private static final int THREADS = 16;
    private static final DefaultCamelContext CONTEXT = new DefaultCamelContext();

    private final SedaQueues queues = new SedaQueues();
    private final BlockingQueue<Exchange> queue = queues.create(50);
    private final ExecutorService threads = Executors.newFixedThreadPool(THREADS);

    @AfterEach
    void end() {
        threads.shutdownNow();
    }

    @Test
    void a_thread_waits_for_an_exchange_longer_than_camel_says_and_gets_it() throws Exception {
        Future<Exchange> waiting = threads.submit(() -> queue.poll(1, TimeUnit.MILLISECONDS));
        awaitWaiting(1);
        Exchange exchange = exchange();
        queue.add(exchange);
        assertSame(exchange, waiting.get());
    }

    @Test
    void each_of_many_exchanges_reaches_one_thread() throws Exception {
        List<Future<Integer>> taking = new ArrayList<>();
        for (int i = 0; i < THREADS; i++) {
            taking.add(threads.submit(() -> {
                int taken = 0;
                while (queue.poll(1, TimeUnit.MILLISECONDS) != null) {
                    taken++;
                }
                return taken;
            }));
        }
        int sent = 20_000;
        for (int i = 0; i < sent; i++) {
            if (i % 2 == 0) {
                queue.put(exchange());
            } else {
                assertTrue(queue.offer(exchange(), 30, TimeUnit.SECONDS));
            }
        }
        queues.stopping();
        int taken = 0;
        for (Future<Integer> one : taking) {
            taken += one.get();
        }
        assertEquals(sent, taken + queue.size());
    }

    @Test
    void a_stop_wakes_every_thread_and_ends_long_waits() throws Exception {
        List<Future<Exchange>> waiting = new ArrayList<>();
        for (int i = 0; i < THREADS; i++) {
            waiting.add(threads.submit(() -> queue.poll(1, TimeUnit.MILLISECONDS)));
        }
        awaitWaiting(THREADS);
        queues.stopping();
        for (Future<Exchange> one : waiting) {
            assertNull(one.get(2, TimeUnit.SECONDS), "the longest wait is three seconds");
        }
        assertNull(threads.submit(() -> queue.poll(1, TimeUnit.MILLISECONDS)).get(2, TimeUnit.SECONDS));
    }

    private static Exchange exchange() {
        return new DefaultExchange(CONTEXT);
    }

    private static void awaitWaiting(int count) {
        while (Thread.getAllStackTraces().values().stream()
                        .filter(stack -> List.of(stack).toString().contains("SedaQueues"))
                        .count()
                < count) {
            Thread.onSpinWait();
        }
    }
}
