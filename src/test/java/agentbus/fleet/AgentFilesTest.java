package agentbus.fleet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The files that the reader accepts, and its message for each mistake. */
class AgentFilesTest {

    private static final String FULL =
            """
            id: devops
            mission: >-
              Looks after
              the services.
            maxConcurrency: 2
            gateway: second
            accepts: [infra.check, deploy.review]
            mayEnqueueTo:
              - devops
              - {agent: "*", subjects: [deploy.review], jobTypes: [recovery, dev.review]}
            maxFollowUps: 3
            proposalBudget: {ideas: 2, memoryCandidates: 1, openOpportunities: 4}
            mayTriage: true
            mayPromoteMemories: own
            idleQuestions: ["Which runbook was never tried?"]
            idleBudget: {runs: 1, dollars: 0.50}
            reads: trusted
            emits: [infra.checked, "incident.#"]
            subscriptions:
              - topic: "service.*.#"
                subject: infra.check
                priority: 7
                coalesce: true
              - {topic: a.b, subject: standing_order.devops-health-check}
            model: some/model
            thinking: "off"
            timeoutSeconds: 900
            """;

    @TempDir
    Path fleet;

    @Test
    void a_full_file_becomes_the_agent_with_every_field() throws IOException {
        write("devops", FULL);
        String hash = read().get(0).path("configHash").textValue();
        assertTrue(hash.matches("[0-9a-f]{64}"), hash);
        assertEquals(
                "[{\"id\":\"devops\",\"mission\":\"Looks after the services.\",\"maxConcurrency\":2,\"gateway\":\"second\","
                        + "\"accepts\":[\"infra.check\",\"deploy.review\"],\"mayEnqueueTo\":[\"devops\",\"*\"],"
                        + "\"handoffs\":[{\"agent\":\"devops\"},"
                        + "{\"agent\":\"*\",\"subjects\":[\"deploy.review\"],\"jobTypes\":[\"recovery\",\"dev.review\"]}],"
                        + "\"maxFollowUps\":3,"
                        + "\"emits\":[\"infra.checked\",\"incident.#\"],\"subscriptions\":["
                        + "{\"topic\":\"service.*.#\",\"subject\":\"infra.check\",\"priority\":7,\"coalesce\":true},"
                        + "{\"topic\":\"a.b\",\"subject\":\"standing_order.devops-health-check\",\"priority\":100,\"coalesce\":false}],"
                        + "\"proposalBudget\":{\"ideas\":2,\"opportunities\":0,\"memoryCandidates\":1,"
                        + "\"openOpportunities\":4},\"mayTriage\":true,\"mayConvert\":false,\"mayPromoteMemories\":\"own\","
                        + "\"idleQuestions\":[\"Which runbook was never tried?\"],\"idleBudget\":{\"runs\":1,\"dollars\":0.5},\"reads\":\"trusted\","
                        + "\"model\":\"some/model\",\"thinking\":\"off\",\"timeoutSeconds\":900,\"configHash\":\""
                        + hash
                        + "\"}]",
                read().toString());
    }

    @Test
    void a_file_with_only_an_id_gets_the_defaults() throws IOException {
        write("devops", "id: devops");
        // The hash is sha256sum's for this text.
        assertEquals(
                "[{\"id\":\"devops\",\"maxConcurrency\":1,\"gateway\":\"default\",\"accepts\":[],\"mayEnqueueTo\":[],"
                        + "\"handoffs\":[],\"maxFollowUps\":20,\"emits\":[],\"subscriptions\":[],\"mayTriage\":false,"
                        + "\"mayConvert\":false,\"reads\":\"untrusted\",\"configHash\":\"c217e3aac82f8a6b3102481e437e247fe87af4f3cba442e5cf4f1c4c1ef0a178\"}]",
                read().toString());
    }

    @Test
    void the_instructions_beside_the_file_are_known_by_their_hash() throws IOException {
        write("devops", "id: devops");
        Files.writeString(fleet.resolve("devops/AGENTS.md"), "abc");
        // The hash of abc is the first example of FIPS 180-2.
        assertEquals(
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                read().get(0).path("agentsMdHash").textValue());
    }

    @Test
    void the_same_files_written_in_another_order_give_the_same_text() throws IOException {
        write("zeta", "id: zeta\nmayEnqueueTo: ['*']");
        write("alpha", "id: alpha\nmayEnqueueTo: [zeta]");
        write("alpha-2", "id: alpha-2");
        String first = read().toString();
        for (String agent : List.of("alpha", "alpha-2", "zeta")) {
            Path file = fleet.resolve(agent).resolve("agent.yaml");
            String text = Files.readString(file);
            Files.delete(file);
            Files.delete(file.getParent());
            write(agent, text);
        }
        assertEquals(first, read().toString());
        assertEquals(List.of("alpha", "alpha-2", "zeta"), read().findValuesAsText("id"));
    }

    @Test
    void a_comment_changes_the_hash_and_nothing_else() throws IOException {
        write("devops", "id: devops\n");
        JsonNode before = read().get(0);
        write("devops", "# A comment.\nid: devops\n");
        JsonNode after = read().get(0);
        assertNotEquals(before.get("configHash"), after.get("configHash"));
        assertEquals(before.get("accepts"), after.get("accepts"));
    }

    @Test
    void a_missing_directory_is_named() {
        AgentFiles files = new AgentFiles(fleet.resolve("nowhere"));
        String message = assertThrows(AgentFileError.class, files::read).getMessage();
        assertTrue(message.startsWith(fleet.resolve("nowhere") + ": there is no such directory"), message);
    }

    @Test
    void an_empty_directory_gives_no_agents() {
        assertEquals("[]", read().toString());
    }

    @Test
    void plain_files_and_hidden_folders_are_not_agents() throws IOException {
        Files.writeString(fleet.resolve("openclaw.json5"), "{}");
        Files.createDirectory(fleet.resolve(".cache"));
        assertEquals("[]", read().toString());
    }

    @Test
    void a_folder_without_the_file_is_named() throws IOException {
        Files.createDirectory(fleet.resolve("devops"));
        Files.writeString(fleet.resolve("devops").resolve("agent.yml"), "id: devops");
        assertEquals(
                fleet.resolve("devops").resolve("agent.yaml")
                        + ": there is no such file; every folder beside it is an agent and must have one",
                assertThrows(AgentFileError.class, this::read).getMessage());
    }

    @Test
    void a_file_that_cannot_be_read_is_named() throws IOException {
        Files.createDirectories(fleet.resolve("devops").resolve("agent.yaml"));
        String message = assertThrows(AgentFileError.class, this::read).getMessage();
        assertTrue(message.contains("agent.yaml: the file cannot be read"), message);
    }

    @Test
    void a_folder_whose_name_no_agent_may_bear_is_refused() throws IOException {
        assertMistake(
                "Dev_Ops",
                "id: Dev_Ops",
                ":1: id is 'Dev_Ops'; it must be lower case letters, digits and hyphens, a letter first, at most 63"
                        + " characters");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "mission: none | : id is missing; it must be the name of the folder, 'devops'",
                "id: security | :1: id is 'security'; it must be the name of the folder, 'devops'",
                "id: 5 | :1: id is the number '5'; it must be lower case",
                "id: | :1: id is empty; it must be lower case",
                "id: [devops] | :1: id is a list; it must be lower case",
                "[devops] | : the file must hold keys and values, beginning with id",
                "# nothing | : the file must hold keys and values, beginning with id",
                "id: devops;---;id: devops | :3: a second document; there must be one in a file",
                "id: devops;---;more | :3: a second document; there must be one in a file",
                "id: devops;id: devops | :2: duplicate key 'id'; a key must stand only once",
                "id: devops;emits: [a.b | :2: broken YAML: while parsing a flow sequence, expected ',' or ']'",
                "id: devops;? [a];: 1 | :2: broken YAML: Expected a field name",
            })
    void a_file_that_is_not_one_named_agent_is_refused(String yaml, String message) throws IOException {
        assertMistake("devops", yaml.replace(';', '\n'), message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "maxConcurency: 1 | :2: there is no key 'maxConcurency'; did you mean maxConcurrency?",
                "timeout_seconds: 1 | :2: there is no key 'timeout_seconds'; did you mean timeoutSeconds?",
                "mission: {a: b} | :2: mission is a mapping; it must be text of 1 to 1000 characters",
                "mission: ' ' | :2: mission is ' '; it must be text of 1 to 1000 characters",
                "thinking: off | :2: thinking is the truth value 'off'; it must be text of 1 to 50 characters, without control characters; text that reads otherwise needs quotes",
                "model: | :2: model is empty; it must be text of 1 to 200 characters",
                "mission: \"a\\0b\" | :2: mission is 'a b'; it must be text of 1 to 1000 characters, without control",
                "gateway: Main Gate | :2: gateway is 'Main Gate'; it must be lower case",
                "maxConcurrency: 0 | :2: maxConcurrency is the number '0'; it must be a whole number from 1 to 100",
                "maxConcurrency: 101 | :2: maxConcurrency is the number '101'; it must be a whole number from 1 to 100",
                "maxConcurrency: 1.0 | :2: maxConcurrency is the number '1.0'; it must be a whole number from 1 to 100",
                "maxConcurrency: 99999999999 | :2: maxConcurrency is the number '99999999999'; it must be a whole",
                "maxConcurrency: '1' | :2: maxConcurrency is '1'; it must be a whole number from 1 to 100",
                "timeoutSeconds: 0 | :2: timeoutSeconds is the number '0'; it must be a whole number from 1 to 86400",
                "timeoutSeconds: 86401 | :2: timeoutSeconds is the number '86401'; it must be a whole number from 1 to 86400",
                "accepts: infra.check | :2: accepts is 'infra.check'; it must be a list; [] for none",
                "accepts: | :2: accepts is empty; it must be a list; [] for none",
                "accepts: [infra.check, Infra.Check] | :2: accepts[1] is 'Infra.Check'; it must be words of lower case",
                "accepts: [infra..check] | :2: accepts[0] is 'infra..check'; it must be words of lower case",
                "accepts: ['infra.*'] | :2: accepts[0] is 'infra.*'; it must be words of lower case",
                "accepts: ['a.b '] | :2: accepts[0] is 'a.b '; it must be words of lower case",
                "accepts: [a.b, a.b] | :2: accepts[1] is 'a.b'; it stands in the list already; once is right",
                "emits: [12] | :2: emits[0] is the number '12'; it must be words of lower case",
                "emits: [[a]] | :2: emits[0] is a list; it must be words of lower case",
                "mayEnqueueTo: [devop] | :2: mayEnqueueTo[0] is 'devop'; there is no such agent; did you mean devops?",
                "mayEnqueueTo: [design, '*'] | :2: mayEnqueueTo[1] is '*'; it means every agent and must be the only entry, but for",
                "mayEnqueueTo: [devops, '*'] | ",
                "mayEnqueueTo: [devops, devops] | :2: mayEnqueueTo[1] is 'devops'; it stands in the list already",
                "mayEnqueueTo: [devops, {agent: devops}] | :2: mayEnqueueTo[1] is a mapping; it stands in the list already",
                "mayEnqueueTo: [{agent: devop}] | :2: mayEnqueueTo[0].agent is 'devop'; there is no such agent; did you mean devops?",
                "mayEnqueueTo: [{subjects: [a]}] | :2: mayEnqueueTo[0].agent is missing; it must be the name of an agent",
                "mayEnqueueTo: [{agent: devops, subject: a}] | :2: mayEnqueueTo[0]: there is no key 'subject'; did you mean subjects?",
                "mayEnqueueTo: [{agent: devops, subjects: [a.c]}];accepts: [a.b] | :2: mayEnqueueTo[0].subjects[0] is 'a.c'; agent devops does not accept it; ",
                "mayEnqueueTo: [{agent: '*', subjects: [a.c]}] | :2: mayEnqueueTo[0].subjects[0] is 'a.c'; no agent accepts it; ",
                "mayEnqueueTo: [{agent: devops, subjects: [standing_order.x]}] | ",
                "mayEnqueueTo: [{agent: devops, subjects: []}] | :2: mayEnqueueTo[0].subjects is a list; it allows nothing; leave it out",
                "mayEnqueueTo: [{agent: devops, jobTypes: [odd]}] | :2: mayEnqueueTo[0].jobTypes[0] is 'odd'; it must be reactive, scheduled",
                "mayEnqueueTo: [[devops]] | :2: mayEnqueueTo[0] is a list; it must be the name of an agent, or a mapping",
                "maxFollowUps: 1001 | :2: maxFollowUps is the number '1001'; it must be a whole number from 0 to 1000",
                "proposalBudget: 3 | :2: proposalBudget is the number '3'; it must be a mapping of ideas, opportunities, memoryCandidates",
                "proposalBudget: {idea: 3} | :2: proposalBudget: there is no key 'idea'; did you mean ideas?",
                "proposalBudget: {ideas: -1} | :2: proposalBudget.ideas is the number '-1'; it must be a whole number from 0 to 1000",
                "proposalBudget: {urgent: 1001} | :2: proposalBudget.urgent is the number '1001'; it must be a whole number from 0 to 1000",
                "mayConvert: 'yes' | :2: mayConvert is 'yes'; it must be true or false",
                "mayTriag: true | :2: there is no key 'mayTriag'; did you mean mayTriage?",
                "mayPromoteMemories: all | :2: mayPromoteMemories is 'all'; it must be own (candidates for the agent's own role memory) or shared",
                "mayPromoteMemories: true | :2: mayPromoteMemories is the truth value 'true'; it must be own",
                "idleQuestions: ['What changed?'] | ",
                "idleQuestions: What changed? | :2: idleQuestions is 'What changed?'; it must be a list; [] for none",
                "idleQuestions: ['Why?'] | :2: idleQuestions[0] is 'Why?'; it must be a question of 10 to 300 characters in one line",
                "idleQuestions: ['What changed?', 'What changed?'] | :2: idleQuestions[1] is 'What changed?'; it stands in the list already",
                "idleQuestions: [3] | :2: idleQuestions[0] is the number '3'; it must be a question",
                "idleBudget: 3 | :2: idleBudget is the number '3'; it must be a mapping of runs, minutes, tokens and dollars",
                "idleBudget: {} | ",
                "idleBudget: {run: 3} | :2: idleBudget: there is no key 'run'; did you mean runs?",
                "idleBudget: {runs: 0.5} | :2: idleBudget.runs is the number '0.5'; it must be a whole number from 0 to 100",
                "idleBudget: {minutes: 1441} | :2: idleBudget.minutes is the number '1441'; it must be a whole number from 0 to 1440",
                "idleBudget: {tokens: -1} | :2: idleBudget.tokens is the number '-1'; it must be a whole number from 0 to 1000000000",
                "idleBudget: {dollars: 0.125} | :2: idleBudget.dollars is the number '0.125'; it must be a number from 0 to 100000, with at most two decimals",
                "idleBudget: {dollars: '2'} | :2: idleBudget.dollars is '2'; it must be a number",
                "reads: all | :2: reads is 'all'; it must be trusted (payloads from outside are refused) or untrusted",
                "reads: true | :2: reads is the truth value 'true'; it must be trusted",
                "mayEnqueueTo: ['dev*'] | :2: mayEnqueueTo[0] is 'dev*'; it must be the name of an agent, or \"*\" alone",
                "mayEnqueueTo: [*] | :2: broken YAML: while scanning an alias, unexpected character found ](93); a star must stand in quotes: \"*\"",
                "emits: &all [a.b] | ",
                "emits: [*all] | :2: emits[0] is the alias '*all'; write the value itself; a star must stand in quotes: \"*\"",
                "emits: [!!str a.b] | :2: emits[0] has the tag 'tag:yaml.org,2002:str'; write the value without a tag",
            })
    void a_mistake_in_a_field_is_named_with_its_line(String yaml, String message) throws IOException {
        if (message == null) {
            write("devops", "id: devops\n" + yaml);
            assertEquals(1, read().size());
        } else {
            assertMistake("devops", "id: devops\n" + yaml.replace(';', '\n'), message);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "a.b | :4: subscriptions[0] is 'a.b'; it must be a mapping of topic, subject and, if need be, priority and coalesce",
                "{topic: a.b, subject: infra.check, coalesce: 1} | :4: subscriptions[0].coalesce is the number '1'; it must be true or false",
                "{subject: infra.check} | :4: subscriptions[0].topic is missing; it must be words of lower case",
                "{topic: a.b} | :4: subscriptions[0].subject is missing; it must be words of lower case",
                "{topic: a.b, subject: infra.checks} | :4: subscriptions[0].subject is 'infra.checks'; the agent does not accept it; it must be one of its accepts",
                "{topic: a.b, subject: standing_order.a.b} | :4: subscriptions[0].subject is 'standing_order.a.b'; the agent does not accept it",
                "{topic: a.b, subject: '*'} | :4: subscriptions[0].subject is '*'; it must be words of lower case",
                "{topic: 'a*.b', subject: infra.check} | :4: subscriptions[0].topic is 'a*.b'; it must be words of lower case",
                "{topic: '**', subject: infra.check} | :4: subscriptions[0].topic is '**'; it must be words of lower case",
                "{topic: a.b, subject: infra.check, prio: 1} | :4: subscriptions[0]: there is no key 'prio'; did you mean priority?",
                "{topic: a.b, subject: infra.check, priority: 0} | :4: subscriptions[0].priority is the number '0'; it must be a whole number from 1 to 1000",
                "{topic: a.b, subject: infra.check, priority: high} | :4: subscriptions[0].priority is 'high'; it must be a whole number from 1 to 1000",
                "{topic: a.b, topic: a.c} | :4: duplicate key 'topic'; a key must stand only once",
                "{topic: a.b, subject: infra.check};  - {topic: a.b, subject: infra.check, priority: 2} | :5: subscriptions[1] repeats an earlier one; an event would make two jobs",
            })
    void a_mistake_in_a_subscription_is_named_with_its_line(String entry, String message) throws IOException {
        assertMistake(
                "devops",
                "id: devops\naccepts: [infra.check]\nsubscriptions:\n  - " + entry.replace(';', '\n'),
                message);
    }

    @ParameterizedTest
    @ValueSource(strings = {"*", "#", "#.ready", "a.*.b", "*.#", "a-1.b_2"})
    void a_topic_pattern_may_have_whole_words_open(String topic) throws IOException {
        write("devops", "id: devops\naccepts: [a]\nsubscriptions: [{topic: '" + topic + "', subject: a}]");
        assertEquals(topic, read().at("/0/subscriptions/0/topic").textValue());
    }

    @Test
    void names_and_subjects_have_a_longest_form() throws IOException {
        String name = "a".repeat(63);
        write(name, "id: " + name + "\naccepts: [" + "s".repeat(200) + "]");
        assertEquals(1, read().size());
        assertMistake(name, "id: " + name + "\naccepts: [" + "s".repeat(201) + "]", ":2: accepts[0] is 's");
        assertMistake(name, "id: " + name + "\ngateway: a" + name, ":2: gateway is 'a");
    }

    @Test
    void a_message_stays_on_one_short_line() throws IOException {
        String mission = "mission: |\n" + "  a long line of text\n".repeat(100);
        write("devops", "id: devops\n" + mission);
        String message = assertThrows(AgentFileError.class, this::read).getMessage();
        assertTrue(
                message.lines().count() == 1
                        && message.endsWith("…'; it must be text of 1 to 1000 characters, without control characters"),
                message);
    }

    @Test
    void a_file_that_breaks_the_parsers_limits_is_refused_like_any_other() throws IOException {
        assertMistake("devops", "id: " + "[".repeat(5000), ": broken YAML: ");
    }

    @Test
    void bytes_that_are_not_utf_8_are_refused() throws IOException {
        Files.createDirectories(fleet.resolve("devops"));
        Files.write(
                fleet.resolve("devops").resolve("agent.yaml"),
                "id: devops\nmission: \u00e9".getBytes(StandardCharsets.ISO_8859_1));
        String message = assertThrows(AgentFileError.class, this::read).getMessage();
        assertTrue(
                message.endsWith(
                        "agent.yaml: the file cannot be read: line 2 has the byte 0xE9, which is not UTF-8 (it may"
                                + " be Latin-1); save it as UTF-8"),
                message);
    }

    @Test
    void a_byte_order_mark_is_no_part_of_the_file() throws IOException {
        write("devops", "\uFEFFid: devops\n");
        assertEquals("devops", read().get(0).get("id").asText());
    }

    private void assertMistake(String agent, String yaml, String message) throws IOException {
        write(agent, yaml);
        String said = assertThrows(AgentFileError.class, this::read).getMessage();
        String file = fleet.resolve(agent).resolve("agent.yaml").toString();
        assertTrue(said.startsWith(file + message), () -> said + "\n  should begin with\n" + file + message);
    }

    private ArrayNode read() {
        return new AgentFiles(fleet).read();
    }

    private void write(String agent, String yaml) throws IOException {
        Path folder = Files.createDirectories(fleet.resolve(agent));
        Files.writeString(folder.resolve("agent.yaml"), yaml);
    }
}
