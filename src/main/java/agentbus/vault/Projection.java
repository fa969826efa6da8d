package agentbus.vault;

import static java.time.format.DateTimeFormatter.ISO_WEEK_DATE;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;

/**
 * Says which notes a vault has to hold, each with its path and its whole text. An export writes them, a verification
 * compares them, and an import learns from them what the ledger says: all ask here, so they agree.
 *
 * <p>The same database gives the same notes, byte by byte: no text holds the time of the export or anything else that
 * is not in the rows. The date decides only which days and weeks are over. Notes of older days are final: they are not
 * made anew while they stand as the bus has written them.
 */
final class Projection {
    private static final String DAILY = "daily";
    private static final String SNAPSHOT = "snapshot";
    private static final String INDEX = "index";
    private static final int WEEK = 7;

    private final Ledger ledger;
    private final Templates templates;
    private final String namespace;
    private final String visibility;
    private final Map<NoteKey, Ledger.Kept> kept;
    private final Function<String, NoteText> there;
    private final Map<NoteKey, String> paths = new HashMap<>();
    private final NoteNames names = new NoteNames();
    private final Set<NoteKey> shown = new HashSet<>();
    private boolean settles = true;

    /** A note that the vault has to hold. Its text is made when it is first asked for. */
    static final class Note {
        private final NoteKey key;
        private final String path;
        private final String inputs;
        private final Supplier<NoteText> maker;
        private final boolean tombstone;
        private NoteText text;

        /**
         * A note.
         *
         * @param key its row
         * @param path its path below the folder
         * @param inputs the hash of all that its text is made of, by {@link Inputs}; null for a note that has no such hash
         * @param maker makes its text
         * @param tombstone whether its row is gone
         */
        Note(NoteKey key, String path, String inputs, Supplier<NoteText> maker, boolean tombstone) {
            this.key = key;
            this.path = path;
            this.inputs = inputs;
            this.maker = maker;
            this.tombstone = tombstone;
        }

        /** Its row. */
        NoteKey key() {
            return key;
        }

        /** Its path below the folder. */
        String path() {
            return path;
        }

        /** The hash of all that its text is made of, by {@link Inputs}; null for a note that has no such hash. */
        String inputs() {
            return inputs;
        }

        /** Whether its row is gone, so that the text says only this. */
        boolean tombstone() {
            return tombstone;
        }

        /** Its text, without notes of people. */
        NoteText text() {
            if (text == null) {
                text = maker.get();
            }
            return text;
        }

        /** Whether an export has made and kept the same text already, because the inputs were the same. */
        boolean isAsKept(Ledger.Kept kept) {
            return inputs != null
                    && kept != null
                    && Inputs.kept(inputs, kept.contentHash()).equals(kept.inputHash());
        }
    }

    /**
     * The notes of one vault.
     *
     * @param ledger reads the rows, at one moment
     * @param templates the bodies of notes
     * @param namespace the namespace that the vault shows
     * @param visibility {@code shared}, or {@code role} to show the memories of roles too
     * @param kept the notes that the vault has already; they keep their paths
     * @param there reads the note at a path of the folder; null where there is none
     */
    Projection(
            Ledger ledger,
            Templates templates,
            String namespace,
            String visibility,
            Map<NoteKey, Ledger.Kept> kept,
            Function<String, NoteText> there) {
        this.ledger = ledger;
        this.templates = templates;
        this.namespace = namespace;
        this.visibility = visibility;
        this.kept = kept;
        this.there = there;
        kept.forEach((key, note) -> {
            paths.put(key, note.path());
            names.keep(note.path());
        });
    }

    /**
     * Makes the notes of older days and weeks anew too. They may name memories of roles, which a vault that shows them no
     * more must not keep.
     */
    Projection ofAllDays() {
        settles = false;
        return this;
    }

    /**
     * Makes all notes, one after the other. Each key and each path comes once.
     *
     * @param consumer gets each note
     */
    void each(Consumer<Note> consumer) {
        each(note -> false, consumer);
    }

    /**
     * Makes the notes of which something is left to do. Of most rows it first reads a digest, which is enough to know
     * that a note is done, and then only the rows of the other notes.
     *
     * @param isDone says that a note is done; it is asked about each note with {@link Note#inputs}, which may have no text
     *     yet
     * @param consumer gets each other note
     */
    void each(Predicate<Note> isDone, Consumer<Note> consumer) {
        List<Entry> entries = ledger.entries(namespace, visibility);
        IndexNotes.places().forEach((id, path) -> fix(new NoteKey(INDEX, id), path));
        entries.forEach(this::place);
        IndexNotes.themes(entries)
                .forEach(theme -> paths.computeIfAbsent(
                        new NoteKey(INDEX, IndexNotes.theme(theme)), key -> names.named(Folders.THEMES, theme)));
        Links links = new Links(paths, entries);
        Consumer<Note> show = note -> {
            shown.add(note.key());
            consumer.accept(note);
        };
        IndexNotes indexes = new IndexNotes(templates, namespace, entries, links);
        Inputs inputs = new Inputs(templates, paths, entries);
        Digested digested = new Digested(inputs, isDone, show);
        IdeaNotes ideas = new IdeaNotes(templates);
        digested.notes("idea", "ideas", row -> ideas.note(row, links), namespace);
        OpportunityNotes opportunities = new OpportunityNotes(templates);
        digested.notes("opportunity", "opportunities", row -> opportunities.note(row, links), namespace);
        MemoryNotes memories = new MemoryNotes(templates);
        digested.notes("memory", "memories", row -> memories.note(row, links), namespace, visibility);
        AgentNotes agents = new AgentNotes(templates, indexes);
        ledger.each(
                "agents",
                row -> {
                    String agent = row.path("agentId").asText();
                    indexes.mission(agent, row.path("mission").asText());
                    show(new NoteKey("agent", agent), () -> agents.note(row, links), show);
                },
                namespace);
        Map<String, JsonNode> digests = new HashMap<>();
        Consumer<JsonNode> digest = row -> keepDigest(row, digests);
        ReportNotes reports = new ReportNotes(templates);
        Consumer<JsonNode> report = row -> {
            NoteKey key = new NoteKey("report", row.path("reportId").asText());
            Note note =
                    new Note(key, paths.get(key), inputs.hash("report", row), () -> reports.note(row, links), false);
            if (isDone.test(note)) {
                shown.add(key);
            } else {
                show.accept(note);
            }
        };
        ledger.each("reports", digest.andThen(report), namespace);
        days(new DayNotes(templates, namespace, links, entries, digests), show);
        indexes.each(dates(DAILY), dates(SNAPSHOT), (id, text) -> show(new NoteKey(INDEX, id), () -> text, show));
        kept.forEach((key, note) -> {
            if (!shown.contains(key)) {
                consumer.accept(new Note(key, note.path(), null, () -> Tombstones.note(key), true));
            }
        });
    }

    /** Makes the notes of rows that have a digest, which is read first. */
    private final class Digested {
        private final Inputs inputs;
        private final Predicate<Note> isDone;
        private final Consumer<Note> show;

        Digested(Inputs inputs, Predicate<Note> isDone, Consumer<Note> show) {
            this.inputs = inputs;
            this.isDone = isDone;
            this.show = show;
        }

        /**
         * Makes the notes of a kind.
         *
         * @param kind the kind of note; the statement of its digests is named after it
         * @param rows the statement of its rows, whose last parameter is the list of their ids
         * @param maker makes the text of a row
         * @param parameters the parameters of both statements
         */
        void notes(String kind, String rows, Function<JsonNode, NoteText> maker, Object... parameters) {
            Map<String, String> wanted = new LinkedHashMap<>();
            ledger.each(
                    kind + "-digests",
                    digest -> {
                        NoteKey key = key(kind, digest);
                        String hash = inputs.hash(kind, digest);
                        Note note = new Note(key, paths.get(key), hash, Projection::isUnread, false);
                        if (isDone.test(note)) {
                            shown.add(key);
                        } else {
                            wanted.put(key.rowId(), hash);
                        }
                    },
                    parameters);
            if (wanted.isEmpty()) {
                return;
            }
            Object[] withIds = Arrays.copyOf(parameters, parameters.length + 1);
            withIds[parameters.length] = "{" + String.join(",", wanted.keySet()) + "}";
            ledger.each(
                    rows,
                    row -> {
                        NoteKey key = key(kind, row);
                        show.accept(
                                new Note(key, paths.get(key), wanted.get(key.rowId()), () -> maker.apply(row), false));
                    },
                    withIds);
        }

        private NoteKey key(String kind, JsonNode row) {
            return new NoteKey(kind, row.path(kind + "Id").asText());
        }
    }

    private static NoteText isUnread() {
        throw new IllegalStateException("the row of this note is not read yet");
    }

    private static void keepDigest(JsonNode row, Map<String, JsonNode> digests) {
        if ("daily_digest".equals(row.path("kind").asText())) {
            digests.put(Words.middle(row.path("from").asText(), row.path("to").asText()), row);
        }
    }

    private void show(NoteKey key, Supplier<NoteText> maker, Consumer<Note> show) {
        show.accept(new Note(key, paths.get(key), null, maker, false));
    }

    private void fix(NoteKey key, String path) {
        if (paths.putIfAbsent(key, path) == null) {
            names.keep(path);
        }
    }

    private void place(Entry entry) {
        paths.computeIfAbsent(entry.key(), key -> switch (key.kind()) {
            case "idea" -> names.dated(Folders.IDEAS, "idea", entry);
            case "opportunity" -> names.dated(Folders.OPPORTUNITIES, "opportunity", entry);
            case "memory" -> names.dated(Folders.ofMemory(entry.group()), entry.group(), entry);
            case "report" -> names.dated(Folders.REPORTS, "report", entry);
            case "agent" -> names.inOwnFolder(Folders.AGENTS, key.rowId());
            default -> throw new IllegalStateException("no folder is known for " + key.kind());
        });
    }

    /** Days and weeks get their paths before the first of their notes is made, because they lead to each other. */
    private void days(DayNotes notes, Consumer<Note> show) {
        JsonNode span = ledger.value("span", namespace);
        LocalDate first = LocalDate.parse(span.path("first").asText());
        LocalDate last = LocalDate.parse(span.path("last").asText());
        LocalDate open = LocalDate.parse(span.path("open").asText());
        Map<NoteKey, NoteText> settled = new HashMap<>();
        TreeSet<LocalDate> days = new TreeSet<>();
        for (LocalDate day = first; !day.isAfter(last); day = day.plusDays(1)) {
            if (day.isBefore(open) && isSettled(new NoteKey(DAILY, day.toString()), settled)) {
                continue;
            }
            days.add(day);
        }
        TreeSet<LocalDate> mondays = new TreeSet<>();
        LocalDate monday = first.minusDays(first.getDayOfWeek().getValue() - 1L);
        for (; !monday.plusDays(WEEK - 1).isAfter(last); monday = monday.plusDays(WEEK)) {
            if (monday.plusDays(WEEK - 1).isBefore(open)
                    && isSettled(new NoteKey(SNAPSHOT, DayNotes.week(monday)), settled)) {
                continue;
            }
            mondays.add(monday);
        }
        settleOlder(first, settled, days, mondays);
        List<JsonNode> dayRows = read("days", days, notes::hasDay);
        List<JsonNode> weekRows = read("weeks", mondays, notes::hasWeek);
        dayRows.forEach(row -> fixDate(DAILY, row.path("day").asText(), Folders.DAILY));
        weekRows.forEach(row -> fixDate(SNAPSHOT, row.path("week").asText(), Folders.SNAPSHOTS));
        settled.forEach((key, text) -> show(key, () -> text, show));
        dayRows.forEach(row -> show(new NoteKey(DAILY, row.path("day").asText()), () -> notes.day(row), show));
        weekRows.forEach(row -> show(new NoteKey(SNAPSHOT, row.path("week").asText()), () -> notes.week(row), show));
    }

    /**
     * Notes of days before the span are kept as they are, because their rows may have retired. Only one that a person has
     * changed is made of the rows that are left.
     */
    private void settleOlder(
            LocalDate first, Map<NoteKey, NoteText> settled, Set<LocalDate> days, Set<LocalDate> mondays) {
        kept.forEach((key, note) -> {
            boolean day = key.kind().equals(DAILY) && key.rowId().compareTo(first.toString()) < 0;
            boolean week = key.kind().equals(SNAPSHOT) && key.rowId().compareTo(DayNotes.week(first)) < 0;
            if ((day || week) && !note.tombstone() && !isSettled(key, settled)) {
                (day ? days : mondays)
                        .add(day ? LocalDate.parse(key.rowId()) : LocalDate.parse(key.rowId() + "-1", ISO_WEEK_DATE));
            }
        });
    }

    private boolean isSettled(NoteKey key, Map<NoteKey, NoteText> settled) {
        Ledger.Kept note = kept.get(key);
        if (!settles || note == null || note.tombstone()) {
            return false;
        }
        NoteText text = there.apply(note.path());
        if (text == null || !text.hash().equals(note.contentHash())) {
            return false;
        }
        settled.put(key, new NoteText(text.written(), ""));
        return true;
    }

    private List<JsonNode> read(String statement, TreeSet<LocalDate> dates, Predicate<JsonNode> has) {
        List<JsonNode> rows = new ArrayList<>();
        if (!dates.isEmpty()) {
            String[] list = dates.stream().map(LocalDate::toString).toArray(String[]::new);
            ledger.each(
                    statement,
                    row -> {
                        if (has.test(row)) {
                            rows.add(row);
                        }
                    },
                    namespace,
                    "{" + String.join(",", list) + "}");
        }
        return rows;
    }

    private void fixDate(String kind, String name, String folder) {
        fix(new NoteKey(kind, name), folder + "/" + name + NoteNames.ENDING);
    }

    /** The names of the shown notes of a kind, oldest first. */
    private List<String> dates(String kind) {
        return shown.stream()
                .filter(key -> key.kind().equals(kind))
                .map(NoteKey::rowId)
                .sorted()
                .toList();
    }
}
