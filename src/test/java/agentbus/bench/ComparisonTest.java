package agentbus.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;

import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.junit.jupiter.api.Test;

class ComparisonTest {
    private final Comparison comparison = new Comparison(
            List.of("ours", "theirs"),
            List.of(new Comparison.Measure("rate", "jobs/s", true), new Comparison.Measure("wait", "wait, ms", false)));

    @Test
    void a_ratio_is_the_median_of_the_ratios_of_each_round() throws Exception {
        round(100, 10, 200, 5);
        round(30, 40, 50, 10);
        round(400, 9, 500, 3);

        JsonNode rate = comparison.summary().at("/comparison/rate");
        assertEquals(Json.read("{\"median\": 100.0, \"least\": 30.0, \"most\": 400.0}"), rate.at("/sides/ours"));
        assertEquals(Json.read("{\"median\": 0.6, \"least\": 0.5, \"most\": 0.8}"), rate.at("/ratios/theirs"));
        assertEquals("more", rate.path("better").asText());
        assertEquals(
                3.0,
                comparison.summary().at("/comparison/wait/ratios/theirs/median").asDouble());
    }

    @Test
    void an_even_number_of_rounds_has_its_median_between_two() {
        round(100, 1, 100, 1);
        round(200, 3, 100, 1);

        assertEquals(
                1.5,
                comparison.summary().at("/comparison/rate/ratios/theirs/median").asDouble());
        assertEquals(
                "medians of 2 rounds, and ratios",
                comparison.summary().path("summary").asText());
    }

    @Test
    void the_table_has_a_column_for_each_side_and_each_ratio() {
        round(100, 10, 200, 5);

        assertEquals(
                List.of(
                        "median (least to most)  ours                 theirs               ours / theirs        better",
                        "jobs/s                  100 (100 to 100)     200 (200 to 200)     0.50 (0.50 to 0.50)  more",
                        "wait, ms                10.0 (10.0 to 10.0)  5.00 (5.00 to 5.00)  2.00 (2.00 to 2.00)  less"),
                comparison.table());
    }

    private void round(int ourRate, int ourWait, int theirRate, int theirWait) {
        comparison.add("ours", Json.object().put("rate", ourRate).put("wait", ourWait));
        comparison.add("theirs", Json.object().put("rate", theirRate).put("wait", theirWait));
    }
}
