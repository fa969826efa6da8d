package agentbus.vault;

import java.util.List;
import java.util.Map;

/** The folders of a vault. Their names never change, because notes keep their paths. */
final class Folders {
    static final String INBOX = "00 Inbox";
    static final String DAILY = "01 Daily";
    static final String IDEAS = "02 Ideas";
    static final String THEMES = IDEAS + "/Themes";
    static final String OPPORTUNITIES = "03 Opportunities";
    static final String MEMORIES = "04 Memories";
    static final String REPORTS = "05 Reports";
    static final String AGENTS = "06 Agents";
    static final String SNAPSHOTS = "07 Snapshots";

    /** The folders in which every file is the bus's. {@link #INBOX} and all that lies beside them belong to people. */
    static final List<String> OURS = List.of(DAILY, IDEAS, OPPORTUNITIES, MEMORIES, REPORTS, AGENTS, SNAPSHOTS);

    /** The folder of each kind of memory below {@link #MEMORIES}. */
    private static final Map<String, String> OF_MEMORIES = Map.of(
            "decision", "Decisions",
            "preference", "Preferences",
            "pattern", "Patterns",
            "mistake", "Mistakes",
            "lesson", "Lessons",
            "playbook", "Playbooks",
            "constraint", "Constraints",
            "entity_fact", "Entity facts",
            "context", "Context");

    /** The kinds of memories, in the order in which people read them. */
    static final List<String> MEMORY_KINDS = List.of(
            "decision",
            "preference",
            "constraint",
            "lesson",
            "mistake",
            "pattern",
            "playbook",
            "entity_fact",
            "context");

    private Folders() {}

    /** The folder of a kind of memory, such as {@code 04 Memories/Lessons}. */
    static String ofMemory(String kind) {
        return MEMORIES + "/" + nameOfMemory(kind);
    }

    /** The name of a kind of memory in the plural, such as {@code Lessons}. */
    static String nameOfMemory(String kind) {
        String name = OF_MEMORIES.get(kind);
        if (name == null) {
            throw new IllegalStateException("no folder is known for memories of kind " + kind);
        }
        return name;
    }
}
