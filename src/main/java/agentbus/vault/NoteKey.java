package agentbus.vault;

/**
 * Which row a note shows.
 *
 * @param kind idea, opportunity, memory, report, agent, snapshot, daily or index, as in {@code vault_notes.kind}
 * @param rowId the id of the row; the name of an index, a day or a week
 */
record NoteKey(String kind, String rowId) {}
