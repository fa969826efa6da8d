package agentbus.health;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.management.MemoryUsage;
import org.junit.jupiter.api.Test;

class HeapTest {
    private static final long MB = 1 << 20;

    private long used = 50 * MB;
    private long committed = 100 * MB;
    private int collections;
    private final Heap heap = new Heap(() -> new MemoryUsage(0, used, committed, -1), () -> collections++);

    private int after(long nowCommitted) {
        committed = nowCommitted * MB;
        heap.shrink();
        return collections;
    }

    @Test
    void a_heap_that_a_burst_has_left_large_is_collected_and_a_small_or_full_one_is_not() {
        assertEquals(0, after(100), "small");
        assertEquals(1, after(600), "after a burst");
        assertEquals(1, after(90), "shrunk");
        assertEquals(2, after(600), "after another burst");
        used = 400 * MB;
        assertEquals(3, after(600), "in use, which only a collection shows");
        assertEquals(3, after(700), "most of it is in use");
        assertEquals(4, after(900));
    }
}
