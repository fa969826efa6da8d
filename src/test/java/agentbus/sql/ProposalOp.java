package agentbus.sql;

/**
 * One act on ideas and opportunities. They are named by how new they are (0 is the newest), so that a sequence still means
 * something when a step is taken out of it; {@link ProposalActors} picks the row.
 */
sealed interface ProposalOp {
    /** Who acts, with the rights that the machine under test has given. */
    enum Caller {
        ANNA,
        COORDINATOR,
        TRACKER,
        SCOUT;

        /** The name of the agent; null for the operator. */
        String agent() {
            return switch (this) {
                case ANNA -> null;
                case COORDINATOR -> "coordinator";
                case TRACKER -> "project-tracker";
                case SCOUT -> "research";
            };
        }

        /** The name as the author of a proposal. */
        String author() {
            return this == ANNA ? "anna" : agent();
        }

        /** The name in the audit log. */
        String actor() {
            return this == ANNA ? "operator:anna" : "attempt:" + agent();
        }

        boolean mayTriage() {
            return this != SCOUT;
        }

        boolean mayConvert() {
            return this == ANNA || this == COORDINATOR;
        }
    }

    /** A decision of triageOpportunity. */
    enum Decision {
        TRIAGED,
        ACCEPTED,
        REJECTED,
        PARKED;

        String word() {
            return name().toLowerCase(java.util.Locale.ROOT);
        }
    }

    /** The act of one caller on an idea. */
    enum IdeaAct {
        REVIEW,
        PROMOTE,
        ARCHIVE
    }

    /** The caller, or null when it is the clock or the bus itself. */
    default Caller caller() {
        return null;
    }

    /** Proposes an idea; {@code key} below 0 is none. */
    record CreateIdea(Caller caller, int text, int key) implements ProposalOp {}

    /** Proposes an opportunity; {@code key} below 0 is none. */
    record CreateOpportunity(Caller caller, int text, int key, int urgency) implements ProposalOp {}

    /** Acts on an idea. */
    record OnIdea(Caller caller, IdeaAct act, int idea) implements ProposalOp {}

    /** Decides about an opportunity; the same {@code notes} make a repeated call. */
    record Triage(Caller caller, Decision decision, int opportunity, int notes) implements ProposalOp {}

    /** Converts an opportunity to a job. */
    record Convert(Caller caller, int opportunity) implements ProposalOp {}

    /** Merges an opportunity into another. */
    record Merge(Caller caller, int opportunity, int into) implements ProposalOp {}

    /** Ends the job of a converted opportunity. */
    record EndJob(int opportunity) implements ProposalOp {}

    /** So many days pass for every row. */
    record Pass(int days) implements ProposalOp {}

    /** The sweep of the bus. */
    record Sweep() implements ProposalOp {}
}
