"""The script's own formulas against figures worked out by hand. Run with: python3 -m unittest"""

import unittest
from math import exp, log

from expected import OutOfScope, complete, complete_outcome, deduplicated, expected, family, milliseconds
from prices import pico_usd

DAY = 86_400_000
HOUR = 3_600_000
MINUTE = 60_000
NOW = 20_000 * DAY + 12 * HOUR
TODAY = 20_000 * DAY


def event(number, user="u-1", at=TODAY, **fields):
    tokens = fields.pop("tokens", {"input": 100})
    return {
        "event_id": str(number), "source": "test", "user_id": user, "occurred_at": at, "provider": "p", "model": "m",
        "origin": "main", "tokens": tokens, **fields,
    }


def outcome(number, kind="commit", quantity=1, user="u-1", at=TODAY, **fields):
    return {
        "event_id": str(number), "source": "test", "user_id": user, "occurred_at": at, "kind": kind, "quantity": quantity,
        **fields,
    }


def titles(events, outcomes=()):
    return expected(deduplicated(events), NOW, deduplicated(outcomes, complete_outcome))["titles"]


def by_user(title):
    return {one["user_id"]: one for one in title["standings"]}


class Deduplication(unittest.TestCase):
    def totals(self, *events):
        return expected(deduplicated(events), NOW)["window"]["totals"]

    def test_a_repeated_event_counts_once(self):
        self.assertEqual(self.totals(event(1), event(1), event(2))["input"], 200)

    def test_the_highest_revision_counts_in_any_order(self):
        first, second = event(1), event(1, revision=1, tokens={"input": 7, "output": 3})
        for order in ([first, second], [second, first]):
            self.assertEqual(self.totals(*order)["total"], 10)

    def test_a_retraction_takes_the_event_out(self):
        self.assertEqual(self.totals(event(1, revision=1, retracted=True), event(1), event(2))["events"], 1)

    def test_two_contents_of_one_revision_are_refused(self):
        with self.assertRaises(OutOfScope):
            deduplicated([event(1), event(1, tokens={"input": 5})])

    def test_another_user_or_time_is_another_event(self):
        self.assertEqual(self.totals(event(1), event(1, user="u-2"), event(1, at=TODAY + 1))["events"], 3)

    def test_spelled_out_defaults_are_no_difference(self):
        text = event(1, at="2024-10-04T00:00:00.0009Z", revision=0, status="ok", tokens={"input": 100, "output": 0})
        self.assertEqual(len(deduplicated([event(1, at=milliseconds("2024-10-04T00:00:00Z")), text])), 1)

    def test_times_are_read_in_any_zone(self):
        self.assertEqual(milliseconds("2026-01-01T01:30:00.25+01:30"), milliseconds("2026-01-01T00:00:00.250Z"))
        self.assertEqual(milliseconds("1970-01-02 00:00:00z"), DAY)

    def test_an_unknown_class_is_refused(self):
        with self.assertRaises(OutOfScope):
            complete(event(1, tokens={"inptu": 1}))


class Board(unittest.TestCase):
    def test_reasoning_is_not_added_to_the_total(self):
        tokens = {"input": 1, "cache_read": 2, "cache_write_5m": 4, "cache_write_1h": 8, "cache_write": 16, "output": 32}
        answer = expected(deduplicated([event(1, tokens={**tokens, "reasoning": 30})]), NOW)
        self.assertEqual(answer["window"]["totals"]["total"], 63)

    def test_counts_every_status_and_origin_of_thirty_days(self):
        events = [
            event(1, status="error"), event(2, origin="auxiliary"), event(3, at=TODAY - 29 * DAY),
            event(4, at=TODAY - 29 * DAY - 1), event(5, at=TODAY + DAY), event(6, at=TODAY + DAY - 1),
        ]
        answer = expected(deduplicated(events), NOW)
        self.assertEqual(answer["leaderboards"]["company"], [{"user_id": "u-1", "value": 400}])
        self.assertEqual(answer["all_time"]["totals"]["events"], 6)

    def test_ties_go_to_the_smaller_id(self):
        answer = expected(deduplicated([event(1, user="u-b"), event(2, user="u-a"), event(3, user="u-c", team="t")]), NOW)
        self.assertEqual([one["user_id"] for one in answer["leaderboards"]["company"]], ["u-a", "u-b", "u-c"])
        self.assertEqual([one["user_id"] for one in answer["leaderboards"]["team:t"]], ["u-c"])


class TokenLegend(unittest.TestCase):
    def test_counts_successful_work_up_to_a_cap_a_day(self):
        full = [event(f"m{minute}", at=TODAY + minute * MINUTE, tokens={"output": 500_000}) for minute in range(240)]
        legend = titles(full + [
            event(3, at=TODAY - DAY, tokens={"output": 5}), event(4, status="cancelled"), event(5, origin="auxiliary"),
            event(6, origin="subagent", at=TODAY - DAY), event(7, origin="unknown"),
        ])["token_legend"]
        self.assertEqual(legend["holder"]["value"], 100_000_105)

    def test_counts_an_hour_up_to_what_its_own_minutes_bring_in(self):
        at = TODAY + 600 * MINUTE
        legend = titles([
            event(1, at=at), event(2, at=at + 1), event(3, at=at + 59 * MINUTE),
            event(4, at=at + 30 * MINUTE, origin="subagent", tokens={"output": 2_000_000}),
            event(5, at=at + 60 * MINUTE, origin="subagent", tokens={"output": 2_000_000}),
        ])["token_legend"]
        self.assertEqual(legend["holder"]["value"], 1_000_000)
        self.assertEqual(legend["holder"]["evidence"]["own_minutes"], 2)


    def test_leaves_out_days_of_own_calls_without_a_pause_or_round_the_clock(self):
        def active_days(minutes, day=1):
            events = [event(minute, at=TODAY - day * DAY + minute * MINUTE) for minute in minutes]
            events.append(event("x", at=TODAY - 5 * DAY))
            return titles(events)["token_legend"]["holder"]["evidence"]["active_days"]

        self.assertEqual(active_days([*range(0, 600, 20), 599]), 1)
        self.assertEqual(active_days(range(0, 600, 20)), 2)
        self.assertEqual(active_days([*range(0, 300, 20), *range(301, 700, 20)]), 2)
        self.assertEqual(active_days(range(0, 18 * 60, 60)), 1)
        self.assertEqual(active_days(range(0, 17 * 60, 60)), 2)
        self.assertEqual(active_days(range(0, 18 * 60, 60), day=0), 2)


class ModelConnoisseur(unittest.TestCase):
    def value(self, shares, days=5):
        events = [
            event(f"{day}-{model}", at=TODAY - day * DAY, model=model, tokens={"input": 1_000 * tokens})
            for day in range(days) for model, tokens in shares.items()
        ]
        return titles(events)["model_connoisseur"]

    def test_three_equal_ones_are_three(self):
        self.assertAlmostEqual(self.value({"a": 10, "b": 10, "c": 10})["holder"]["value"], 3.0, 12)

    def test_two_crumbs_are_about_one(self):
        crumbs = exp(-(0.98 * log(0.98) + 2 * 0.01 * log(0.01)))
        self.assertAlmostEqual(self.value({"a": 98, "b": 1, "c": 1})["holder"]["value"], crumbs, 12)
        self.assertAlmostEqual(self.value({"a": 199, "b": 1})["holder"]["value"], 1.0, 12)

    def test_days_weigh_alike(self):
        events = [event(day, at=TODAY - day * DAY, model="a", tokens={"input": 900_000}) for day in range(3)]
        events += [event(day, at=TODAY - day * DAY, model="b", tokens={"input": 300_000}) for day in range(3, 6)]
        self.assertAlmostEqual(titles(events)["model_connoisseur"]["holder"]["value"], 2.0, 12)

    def test_needs_five_days_and_a_hundred_thousand_tokens(self):
        self.assertIsNone(self.value({"a": 30}, days=4)["holder"])
        self.assertIsNone(self.value({"a": 19}, days=5)["holder"])
        self.assertIsNotNone(self.value({"a": 20}, days=5)["holder"])

    def test_ids_of_one_family_are_one(self):
        for model in ["x-5", "x-5-20260131", "x-5-2026-01-31", "vendor/x-5", "a/b/x-5-20260131"]:
            self.assertEqual(family(model), "x-5")
        self.assertEqual(family("x-5-2601"), "x-5-2601")


class CacheWizard(unittest.TestCase):
    def test_is_shrunk_toward_the_company(self):
        events = [
            event(n, at=TODAY - n % 5 * DAY, session_id=f"s{n}", tokens={"cache_read": 90_000, "cache_write_5m": 10_000, "output": 180})
            for n in range(10)
        ]
        events.append(event(99, user="u-2", tokens={"input": 2_000_000, "cache_write": 500_000, "cache_write_1h": 500_000}))
        standings = by_user(titles(events)["cache_wizard"])
        company = 900_000 / 4_000_000
        self.assertAlmostEqual(standings["u-1"]["value"], (900_000 + 1_000_000 * company) / 2_000_000, 12)
        self.assertAlmostEqual(standings["u-2"]["value"], 1_000_000 * company / 4_000_000, 12)
        self.assertTrue(standings["u-1"]["eligible"])
        self.assertFalse(standings["u-2"]["eligible"])

    def test_counts_no_more_reads_than_500_for_each_token_of_output_on_a_day(self):
        def share(*outputs):
            events = [
                event(n, at=TODAY - n * DAY, session_id=f"s{n}", tokens={"cache_read": 90_000, "output": output})
                for n, output in enumerate(outputs)
            ]
            standings = by_user(titles(events)["cache_wizard"])
            return standings["u-1"]["evidence"]["counted_cache_read"]

        self.assertEqual(share(180, 179), 90_000 + 89_500)
        self.assertEqual(share(100_000, 0), 90_000)

    def test_needs_ten_sessions_on_five_days(self):
        nine = [event(n, at=TODAY - n % 5 * DAY, session_id=f"s{n % 9}") for n in range(10)]
        four = [event(n, at=TODAY - n % 4 * DAY, session_id=f"s{n}") for n in range(10)]
        for events in (nine, four):
            self.assertIsNone(titles(events)["cache_wizard"]["holder"])


class SessionImmortal(unittest.TestCase):
    def value(self, minutes, **fields):
        events = [event(n, at=TODAY + minute * MINUTE + n, session_id="s", **fields) for n, minute in enumerate(minutes)]
        holder = titles(events)["session_immortal"]["holder"]
        return holder and holder["value"]

    def test_counts_minutes_not_events(self):
        self.assertEqual(self.value([0, 0, 1, 31]), 3)

    def test_a_gap_over_thirty_minutes_ends_the_run(self):
        self.assertEqual(self.value([0, 30, 60]), 3)
        self.assertEqual(self.value([0, 30, 61]), 2)

    def test_is_capped_a_day(self):
        self.assertEqual(self.value(range(-800, 10)), 720 + 10)

    def test_only_successful_work_of_the_person_counts(self):
        self.assertIsNone(self.value([0], origin="subagent"))
        self.assertIsNone(self.value([0], status="error"))

    def test_sessions_are_not_joined(self):
        one = event(1, session_id="a"), event(2, session_id="b", at=TODAY + MINUTE), event(3, at=TODAY + 2 * MINUTE)
        self.assertEqual(titles(one)["session_immortal"]["holder"]["value"], 1)


class MasterCrafter(unittest.TestCase):
    MODEL = "claude-haiku-4-5-20251001"

    def value(self, outcomes, days=10, tokens=100_000, unpriced=0):
        events = [
            event(f"{day}-{n}", at=TODAY - day * DAY, model=self.MODEL, tokens={"input": tokens})
            for day in range(days) for n in range(5)
        ]
        events += [event(100 + n, model="own") for n in range(unpriced)]
        return titles(events, outcomes)["master_crafter"]

    def test_is_points_for_each_dollar_up_to_a_cap_a_day(self):
        crafter = self.value([
            outcome(1, quantity=3), outcome(2, "edit_accepted", 7), outcome(3, "pull_request_merged", 6, at=TODAY - DAY),
            outcome(4, "lines_accepted", 999), outcome(5, quantity=9, revision=1, retracted=True), outcome(5, quantity=9),
            outcome(6, at=TODAY - 10 * DAY),
        ])
        self.assertAlmostEqual(crafter["holder"]["value"], (22 + 100) / 5, 12)
        self.assertEqual(crafter["holder"]["evidence"]["capped_days"], 1)
        self.assertEqual(crafter["holder"]["evidence"]["commit"], 3)

    def test_needs_five_dollars_ten_days_and_prices(self):
        self.assertIsNone(self.value([outcome(1)], tokens=99_999)["holder"])
        self.assertIsNone(self.value([outcome(1)], days=9, tokens=200_000)["holder"])
        self.assertIsNone(self.value([outcome(1)], unpriced=1)["holder"])
        self.assertIsNone(self.value([])["holder"])

    def test_prices_a_call_as_a_whole_or_not_at_all(self):
        tokens = {"input": 1, "cache_read": 10, "output": 2, "reasoning": 2}
        self.assertEqual(pico_usd(complete(event(1, model=self.MODEL, tokens=tokens))), 12_000_000)
        self.assertIsNone(pico_usd(complete(event(1, model="moonshotai/kimi-k2", tokens=tokens))))
        self.assertEqual(pico_usd(complete(event(1, model="own", tokens={}))), 0)


class FrugalSage(unittest.TestCase):
    def sage(self, **people):
        events, outcomes = [], []
        for user, windows in people.items():
            for ago, (tokens, commits) in zip((0, 14), windows):
                for day in range(ago, ago + 3):
                    at = TODAY - day * DAY
                    events.append(event(f"{user}{day}", user=user, at=at, tokens={"input": tokens}))
                    outcomes.append(outcome(f"{user}{day}", user=user, at=at, quantity=commits))
        return titles(events, outcomes)["frugal_sage"]

    def test_is_the_fall_against_the_window_before(self):
        self.assertAlmostEqual(self.sage(a=[(600_000, 4), (1_000_000, 4)])["holder"]["value"], 0.4, 12)
        self.assertIsNone(self.sage(a=[(500_000, 4), (1_000_000, 8)])["holder"])

    def test_takes_what_was_before_as_at_most_a_quarter_above_the_lower_median(self):
        people = {"b": [(1, 0), (1_200_000, 4)], "c": [(1, 0), (1_600_000, 4)], "d": [(1, 0), (1_300_000, 4)]}
        sage = self.sage(a=[(1_000_000, 4), (9_000_000, 4)], **people)
        self.assertEqual(sage["holder"]["evidence"]["company_median_before"], 65_000)
        self.assertAlmostEqual(sage["holder"]["value"], 1 - 50_000 / (65_000 * 1.25), 12)

    def test_needs_enough_in_both_windows(self):
        for windows in ([(600_000, 3), (1_000_000, 4)], [(333_333, 4), (1_000_000, 4)], [(600_000, 4), (1_000_000, 3)]):
            self.assertIsNone(self.sage(a=windows)["holder"])
        self.assertIsNotNone(self.sage(a=[(333_334, 4), (1_000_000, 4)])["holder"])


if __name__ == "__main__":
    unittest.main()
