package agentbus.sql;

/**
 * One act on candidates and memories. They are named by how new they are (0 is the newest), so that a sequence still
 * means something when a step is taken out of it; {@link MemoryActors} picks the row.
 */
sealed interface MemoryOp {
    /** The one who acts, with the rights that the machine under test has given. */
    enum Caller {
        ANNA(null),
        KNOWLEDGE("shared"),
        DEVOPS("own"),
        RESEARCH("none"),
        STRANGER("none");

        private final String mayPromote;

        Caller(String mayPromote) {
            this.mayPromote = mayPromote;
        }

        /** The name of the agent; null for the operator. */
        String agent() {
            return switch (this) {
                case ANNA -> null;
                case STRANGER -> "coordinator";
                default -> name().toLowerCase(java.util.Locale.ROOT);
            };
        }

        /** The name as the author of a candidate. */
        String author() {
            return this == ANNA ? "anna" : agent();
        }

        /** The name in the audit log. */
        String actor() {
            return this == ANNA ? "operator:anna" : "attempt:" + agent();
        }

        boolean curates() {
            return this == ANNA || this == KNOWLEDGE;
        }

        /** Whether the rule of visibility lets it read a row. */
        boolean reads(String visibility, String owner) {
            return this == ANNA
                    || visibility.equals("shared")
                    || agent().equals(owner)
                    || visibility.equals("role") && this == KNOWLEDGE;
        }

        /** Whether it may promote a candidate of this author, visibility and owner. */
        boolean promotes(String author, String visibility, String owner) {
            return this == ANNA
                    || !agent().equals(author)
                            && switch (mayPromote) {
                                case "shared" -> !visibility.equals("private") || agent().equals(owner);
                                case "own" -> !visibility.equals("shared") && agent().equals(owner);
                                default -> false;
                            };
        }
    }

    /** The caller, or null when it is the clock or the bus itself. */
    default Caller caller() {
        return null;
    }

    /** Writes a candidate; {@code key} below 0 is none, {@code sources} is the number of independent jobs. */
    record Create(Caller caller, int text, int key, String visibility, int confidence, int sources, boolean outside)
            implements MemoryOp {}

    /** Promotes a candidate; with {@code replace}, in place of the memory that is so new. */
    record Promote(Caller caller, int candidate, int notes, boolean replace, int memory) implements MemoryOp {}

    /** Rejects a candidate. */
    record Reject(Caller caller, int candidate) implements MemoryOp {}

    /** Writes a new version of a memory, or lets another one take its place. */
    record Supersede(Caller caller, int memory, int by, boolean newText, int text) implements MemoryOp {}

    /** Ends one memory. */
    record Expire(Caller caller, int memory) implements MemoryOp {}

    /** Ends the memories of one author. */
    record ExpireAll(Caller caller, Caller author, boolean dryRun) implements MemoryOp {}

    /** Moves the review date of a memory on. */
    record Confirm(Caller caller, int memory) implements MemoryOp {}

    /** Calls a memory wrong. */
    record Wrong(Caller caller, int memory) implements MemoryOp {}

    /** Withdraws a review. */
    record CloseReview(Caller caller, int review) implements MemoryOp {}

    /** A job of the caller gets its memories, and ends with a verdict about the first. */
    record Work(Caller caller, int text, String verdict, boolean succeeds) implements MemoryOp {}

    /** Freezes promotions, or ends the freeze. */
    record Freeze(boolean on) implements MemoryOp {}

    /** So many days pass for every row. */
    record Pass(int days) implements MemoryOp {}

    /** The sweep of the bus. */
    record Sweep() implements MemoryOp {}
}
