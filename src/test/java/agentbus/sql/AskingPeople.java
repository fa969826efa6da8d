package agentbus.sql;

import static agentbus.sql.Machine.json;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.ExtendWith;

/** Tests in which jobs ask people, and people answer. */
@ExtendWith(PostgresExtension.class)
abstract class AskingPeople {
    Machine bus;

    @BeforeEach
    final void empty(TestDatabase database) {
        bus = Machine.fresh(database);
    }

    static ObjectNode person(String name) {
        return json("kind", "operator", "name", name);
    }

    /** Gives a person an operator token. */
    void employ(String... names) {
        for (String name : names) {
            bus.jdbc()
                    .update(
                            "insert into access_tokens (token_hash, kind, name) values (sha256(convert_to(?, 'UTF8')), 'operator', ?)",
                            name,
                            name);
        }
    }

    JsonNode ask(Attempt attempt, Object... more) {
        ObjectNode input = json("question", "Which host gets the disk?", "options", List.of("web-1", "web-2"));
        input.setAll(json(more));
        return bus.call("ask", bus.principal(attempt), input);
    }

    /** Asks out of a new job and returns the question. */
    JsonNode asked(Object... more) {
        return ask(bus.running(), more).get("question");
    }

    JsonNode answer(String who, JsonNode question, Object... answer) {
        return bus.call("answer_question", person(who), withId(question, answer));
    }

    JsonNode answer(JsonNode question, Object... answer) {
        return answer("anna", question, answer);
    }

    static ObjectNode withId(JsonNode question, Object... more) {
        return json(more).put("questionId", question.get("questionId").asText());
    }

    JsonNode get(JsonNode question) {
        return bus.call("get_question", person("anna"), withId(question));
    }

    static String job(JsonNode question) {
        return question.get("jobId").asText();
    }
}
