#!/usr/bin/env python3
"""Computes what Laurel must answer for a set of usage events; an independent check, sharing no code with the services.

The events are either the demo's, derived from the trace (--seed, --anchor), or a file of usage events in their documented
JSON form, one a line, duplicates, revisions and retractions included (--events), and one of outcomes (--outcomes). Prints one JSON object. Times are
milliseconds since the epoch, days are UTC days. Needs Python 3.11 and its standard library.
"""

import argparse
import json
import re
import sys
from collections import defaultdict
from datetime import datetime, timezone
from math import exp, fsum, log

from demo_data import DAY_MS, TRACE, WINDOW_DAYS, demo_events, demo_outcomes, read_trace
from prices import pico_usd

CLASSES = ["input", "cache_read", "cache_write_5m", "cache_write_1h", "cache_write", "output"]
INPUT_CLASSES = CLASSES[:-1]
FIELDS = CLASSES + ["reasoning"]
IDENTITY = ["source", "event_id", "user_id", "occurred_at"]
MINUTE_MS = 60_000
DAY_MINUTES = DAY_MS // MINUTE_MS

DAILY_CAP, TOKENS_PER_OWN_MINUTE = 100_000_000, 500_000
CONNOISSEUR_DAYS, CONNOISSEUR_TOKENS = 5, 100_000
WIZARD_PRIOR_TOKENS, WIZARD_READS_PER_OUTPUT, WIZARD_SESSIONS, WIZARD_DAYS = 1_000_000, 500, 10, 5
SESSION_GAP_MINUTES, SESSION_MINUTES_A_DAY = 30, 720
POINTS = {"edit_accepted": 1, "commit": 5, "pull_request_merged": 20}
POINTS_A_DAY = 100
CRAFTER_MICRO_USD, CRAFTER_DAYS, CRAFTER_UNPRICED_PER_MILLE = 5_000_000, 10, 10
SAGE_WINDOW_DAYS, SAGE_DAYS, SAGE_TOKENS, SAGE_POINTS, SAGE_OVER_MEDIAN_PER_MILLE = 14, 3, 1_000_000, 50, 250
UNBROKEN_MINUTES, UNBROKEN_PAUSE_MINUTES, CLOCK_HOURS = 600, 20, 18


class OutOfScope(Exception):
    """The input is one that this script does not decide."""


# --- reading and deduplicating ---------------------------------------------------------------------------------------

RFC_3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))")


def milliseconds(value):
    """From RFC 3339 text, finer digits cut, or from whole milliseconds."""
    if isinstance(value, int):
        return value
    match = RFC_3339.fullmatch(value)
    if match is None:
        raise OutOfScope(f"not a time: {value!r}")
    date, time, fraction, sign, hours, minutes = match.groups()
    seconds = int(datetime.fromisoformat(f"{date}T{time}").replace(tzinfo=timezone.utc).timestamp())
    if sign is not None:
        seconds -= int(f"{sign}1") * (int(hours) * 3600 + int(minutes) * 60)
    return seconds * 1000 + int(((fraction or "") + "000")[:3])


def complete(event):
    """The event with what its JSON form may leave out."""
    counts = event["tokens"]
    if unknown := set(counts) - set(FIELDS):
        raise OutOfScope(f"unknown token classes: {sorted(unknown)}")
    return {
        "source": event["source"],
        "event_id": event["event_id"],
        "user_id": event["user_id"],
        "occurred_at": milliseconds(event["occurred_at"]),
        "revision": event.get("revision") or 0,
        "retracted": event.get("retracted") or False,
        "team": event.get("team") or None,
        "session_id": event.get("session_id") or None,
        "provider": event["provider"],
        "model": event["model"],
        "tokens": {name: counts.get(name) or 0 for name in FIELDS},
        "cost_micro_usd": event.get("cost_micro_usd"),
        "status": event.get("status") or "ok",
        "origin": event.get("origin") or "unknown",
        "attributes": event.get("attributes") or {},
    }


def complete_outcome(event):
    """The same of an outcome."""
    if event["kind"] not in [*POINTS, "edit_rejected", "lines_accepted", "active_seconds"]:
        raise OutOfScope(f"unknown kind of outcome: {event['kind']!r}")
    quantity = event.get("quantity")
    return {
        **{name: event[name] for name in ("source", "event_id", "user_id", "kind")},
        "occurred_at": milliseconds(event["occurred_at"]),
        "revision": event.get("revision") or 0,
        "retracted": event.get("retracted") or False,
        "team": event.get("team") or None,
        "session_id": event.get("session_id") or None,
        "quantity": 1 if quantity is None else quantity,
        "attributes": event.get("attributes") or {},
    }


def deduplicated(events, completed=complete):
    """One event an identity, the highest revision; retracted ones are left out."""
    latest = {}
    for event in map(completed, events):
        identity = tuple(event[name] for name in IDENTITY)
        known = latest.get(identity)
        if known is None or event["revision"] > known["revision"]:
            latest[identity] = event
        elif event["revision"] == known["revision"] and event != known:
            raise OutOfScope(f"two contents of revision {event['revision']} of {identity}")
    return [event for event in latest.values() if not event["retracted"]]


# --- totals ----------------------------------------------------------------------------------------------------------


def total(event):
    return sum(event["tokens"][name] for name in CLASSES)


def sums(events):
    return {
        "events": len(events),
        **{name: sum(event["tokens"][name] for event in events) for name in FIELDS},
        "total": sum(map(total, events)),
    }


def grouped(events, key):
    groups = defaultdict(list)
    for event in events:
        groups[key(event)].append(event)
    return groups


def sums_by(events, field):
    return {key: sums(group) for key, group in sorted(grouped(events, lambda event: event[field] or "").items())}


def best_first(standings):
    """The greatest value first, ties to the smaller user id."""
    return sorted(standings, key=lambda one: (-one["value"], one["user_id"]))


def leaderboard(events):
    by_user = grouped(events, lambda event: event["user_id"])
    return best_first({"user_id": user, "value": sum(map(total, group))} for user, group in by_user.items())


# --- titles ----------------------------------------------------------------------------------------------------------


def day_of(event):
    return event["occurred_at"] // DAY_MS


def is_counted(event):
    return event["status"] == "ok" and event["origin"] in ("main", "subagent")


def day_totals(events):
    return [sum(map(total, group)) for group in grouped(events, day_of).values()]


def own_minutes(events):
    return {event["occurred_at"] // MINUTE_MS for event in events if event["origin"] == "main"}


def attended(events):
    """The tokens of counted events, of each hour at most what its own minutes bring in."""
    hours = grouped(events, lambda event: event["occurred_at"] // (60 * MINUTE_MS)).values()
    return sum(min(sum(map(total, hour)), TOKENS_PER_OWN_MINUTE * len(own_minutes(hour))) for hour in hours)


def days_left_out(events, today):
    """Closed days of own calls without a pause or round the clock; what lies before the window is not looked at."""
    minutes = sorted(own_minutes(events))
    for day in {minute // DAY_MINUTES for minute in minutes}:
        hours = {minute // 60 for minute in minutes if minute // DAY_MINUTES == day}
        near = [minute for minute in minutes if day - 1 <= minute // DAY_MINUTES <= day]
        ending = [run for run in runs(near, UNBROKEN_PAUSE_MINUTES) if run[-1] // DAY_MINUTES == day]
        unbroken = any(run[-1] - run[0] + 1 >= UNBROKEN_MINUTES for run in ending)
        if day < today and (unbroken or len(hours) >= CLOCK_HOURS):
            yield day


def token_legend(by_user, _made, today):
    for user, all_events in by_user.items():
        left_out = set(days_left_out(all_events, today))
        events = [event for event in all_events if day_of(event) not in left_out]
        if not events:
            continue
        days = [tokens for tokens in map(attended, grouped(events, day_of).values()) if tokens > 0]
        own = sums(events)
        value = sum(min(DAILY_CAP, tokens) for tokens in days)
        yield {
            "user_id": user,
            "value": value,
            "eligible": value > 0,
            "evidence": {
                **{name: own[name] for name in FIELDS + ["events"]},
                "own_minutes": len(own_minutes(events)),
                "tokens_per_own_minute": TOKENS_PER_OWN_MINUTE,
                "attended_tokens": sum(days),
                "active_days": len(days),
                "capped_days": sum(tokens > DAILY_CAP for tokens in days),
                "uncapped_tokens": sum(tokens for tokens in days if tokens <= DAILY_CAP),
                "daily_cap": DAILY_CAP,
                **({"left_out_days": len(left_out)} if left_out else {}),
            },
        }


def family(model):
    """`openrouter/vendor/model-2026-01-31` and `model-20260131` are both of the family `model`."""
    return re.sub(r"-(\d{8}|\d{4}-\d\d-\d\d)$", "", model.rsplit("/", 1)[-1])


def model_connoisseur(by_user, *_):
    for user, events in by_user.items():
        tokens = sum(map(total, events))
        by_family = grouped(events, lambda event: family(event["model"]))
        kept = {name for name, group in by_family.items() if 100 * sum(map(total, group)) >= tokens and tokens > 0}
        shares = defaultdict(list)
        active = 0
        for day in grouped([one for one in events if family(one["model"]) in kept], day_of).values():
            day_tokens = sum(map(total, day))
            if day_tokens == 0:
                continue
            active += 1
            for name, group in grouped(day, lambda event: family(event["model"])).items():
                shares[name].append(sum(map(total, group)) / day_tokens)
        means = {name: fsum(values) / active for name, values in sorted(shares.items())}
        yield {
            "user_id": user,
            "value": exp(-fsum(p * log(p) for p in means.values() if p > 0)) if tokens > 0 else 0.0,
            "eligible": active >= CONNOISSEUR_DAYS and tokens >= CONNOISSEUR_TOKENS,
            "evidence": {"shares": means, "families": len(means), "active_days": active, "tokens": tokens},
        }


def cache_wizard(by_user, *_):
    everything = [event for events in by_user.values() for event in events]
    company = sums(everything)
    company_input = sum(company[name] for name in INPUT_CLASSES)
    company_share = company["cache_read"] / company_input if company_input > 0 else 0.0
    for user, events in by_user.items():
        own = sums(events)
        own_input = sum(own[name] for name in INPUT_CLASSES)
        sessions = {event["session_id"] for event in events} - {None}
        days = sum(tokens > 0 for tokens in day_totals(events))
        by_day = [sums(day) for day in grouped(events, day_of).values()]
        read = sum(min(day["cache_read"], WIZARD_READS_PER_OUTPUT * day["output"]) for day in by_day)
        value = (read + WIZARD_PRIOR_TOKENS * company_share) / (own_input + WIZARD_PRIOR_TOKENS)
        yield {
            "user_id": user,
            "value": value,
            "eligible": value > 0 and len(sessions) >= WIZARD_SESSIONS and days >= WIZARD_DAYS,
            "evidence": {
                **{name: own[name] for name in INPUT_CLASSES},
                "counted_cache_read": read,
                "reads_per_output": WIZARD_READS_PER_OUTPUT,
                "prior_tokens": WIZARD_PRIOR_TOKENS,
                "company_cache_read": company["cache_read"],
                "company_input": company_input,
                "company_share": company_share,
                "sessions": len(sessions),
                "active_days": days,
            },
        }


def runs(minutes, gap=SESSION_GAP_MINUTES):
    """Stretches of minutes without a longer gap."""
    run = []
    for minute in sorted(minutes):
        if run and minute - run[-1] > gap:
            yield run
            run = []
        run.append(minute)
    if run:
        yield run


def active_minutes(run):
    by_day = grouped(run, lambda minute: minute * MINUTE_MS // DAY_MS)
    return sum(min(SESSION_MINUTES_A_DAY, len(minutes)) for minutes in by_day.values())


def session_immortal(by_user, *_):
    for user, events in by_user.items():
        own = [event for event in events if event["origin"] == "main" and event["session_id"] is not None]
        best = None
        for session, group in sorted(grouped(own, lambda event: event["session_id"]).items()):
            for run in runs({event["occurred_at"] // MINUTE_MS for event in group}):
                minutes = active_minutes(run)
                # Of equal runs the earlier, then the smaller session id, which comes first here.
                if best is None or (minutes, -run[0] * MINUTE_MS) > (best["value"], -best["evidence"]["run_start"]):
                    span = {"run_start": run[0] * MINUTE_MS, "run_end": (run[-1] + 1) * MINUTE_MS}
                    best = {"value": minutes, "evidence": {"session_id": session, **span, "active_minutes": len(run)}}
        if best is not None:
            yield {"user_id": user, "eligible": True, **best}


def day_points(outcomes, active_days):
    """By active UTC day, and how many of each kind, of the outcomes of one person."""
    own = [one for one in outcomes if one["kind"] in POINTS and day_of(one) in active_days]
    counts = {kind: sum(one["quantity"] for one in own if one["kind"] == kind) for kind in POINTS}
    return {
        day: sum(POINTS[one["kind"]] * one["quantity"] for one in group) for day, group in grouped(own, day_of).items()
    }, counts


def points_between(outcomes, events):
    days, _ = day_points(outcomes, set(map(day_of, events)))
    return sum(min(POINTS_A_DAY, points) for points in days.values())


WEIGHT_EVIDENCE = {f"{kind}_weight": points for kind, points in POINTS.items()}


def master_crafter(by_user, outcomes, _):
    for user, events in by_user.items():
        days, counts = day_points(outcomes[user], set(map(day_of, events)))
        costs = [pico_usd(event) for event in events]
        micro_usd = sum(cost for cost in costs if cost is not None) // 10**6
        unpriced = costs.count(None)
        is_known = micro_usd > 0 and 1000 * unpriced <= CRAFTER_UNPRICED_PER_MILLE * len(events)
        points = sum(min(POINTS_A_DAY, one) for one in days.values())
        value = points / (micro_usd / 10**6) if is_known else 0.0
        active = sum(tokens > 0 for tokens in day_totals(events))
        yield {
            "user_id": user,
            "value": value,
            "eligible": value > 0 and micro_usd >= CRAFTER_MICRO_USD and active >= CRAFTER_DAYS,
            "evidence": {
                **counts,
                **WEIGHT_EVIDENCE,
                "daily_cap": POINTS_A_DAY,
                "capped_days": sum(one > POINTS_A_DAY for one in days.values()),
                "uncapped_points": sum(one for one in days.values() if one <= POINTS_A_DAY),
                "list_cost_micro_usd": micro_usd,
                "unpriced_events": unpriced,
                "events": len(events),
                "max_unpriced_per_mille": CRAFTER_UNPRICED_PER_MILLE,
                "tokens": sum(map(total, events)),
                "active_days": active,
            },
        }


def frugal_sage(by_user, outcomes, today):
    def each(first, last):
        """Tokens, points and tokens for each point of everybody between two days; the latter None of who has not enough."""
        answer = {}
        for user, events in by_user.items():
            own = [event for event in events if first <= day_of(event) <= last]
            made = [one for one in outcomes[user] if first <= day_of(one) <= last]
            tokens, points = sum(map(total, own)), points_between(made, own)
            is_enough = tokens >= SAGE_TOKENS and points >= SAGE_POINTS
            answer[user] = tokens, points, tokens / points if is_enough else None
        return answer

    now = each(today - SAGE_WINDOW_DAYS + 1, today)
    before = each(today - 2 * SAGE_WINDOW_DAYS + 1, today - SAGE_WINDOW_DAYS)
    known = sorted(one for _, _, one in before.values() if one is not None)
    median = known[(len(known) - 1) // 2] if known else 0.0
    most = median * (1000 + SAGE_OVER_MEDIAN_PER_MILLE) / 1000
    for user, (tokens, points, own) in now.items():
        in_window = [event for event in by_user[user] if day_of(event) > today - SAGE_WINDOW_DAYS]
        if not in_window:
            continue
        tokens_before, points_before, own_before = before[user]
        value = 0.0 if own is None or own_before is None else max(0.0, 1 - own / min(own_before, most))
        active = sum(count > 0 for count in day_totals(in_window))
        yield {
            "user_id": user,
            "value": value,
            "eligible": value > 0 and active >= SAGE_DAYS,
            "evidence": {
                "tokens": tokens,
                "points": points,
                "tokens_before": tokens_before,
                "points_before": points_before,
                "company_median_before": median,
                "most_over_median_per_mille": SAGE_OVER_MEDIAN_PER_MILLE,
                "min_tokens_each": SAGE_TOKENS,
                "min_points_each": SAGE_POINTS,
                **WEIGHT_EVIDENCE,
                "daily_cap": POINTS_A_DAY,
                "active_days": active,
            },
        }


TITLES = {
    "token_legend": token_legend,
    "model_connoisseur": model_connoisseur,
    "cache_wizard": cache_wizard,
    "session_immortal": session_immortal,
    "master_crafter": master_crafter,
    "frugal_sage": frugal_sage,
}


def title(metric, *facts):
    standings = best_first(metric(*facts))
    eligible = [one for one in standings if one["eligible"]]
    return {
        "holder": eligible[0] if eligible else None,
        "runner_up": eligible[1]["value"] if len(eligible) > 1 else None,
        "standings": standings,
    }


# --- the whole -------------------------------------------------------------------------------------------------------


DIMENSIONS = {"user": "user_id", "model": "model", "team": "team"}


def figures(events):
    by = {f"{name}s": sums_by(events, field) for name, field in DIMENSIONS.items()}
    return {"totals": sums(events), **by}


def expected(events, now, outcomes=()):
    """Everything for deduplicated events and outcomes: over all time, and over the window that ends with the UTC day of `now`."""
    today = now // DAY_MS
    window = [event for event in events if today - WINDOW_DAYS < day_of(event) <= today]
    counted = grouped(filter(is_counted, window), lambda event: event["user_id"])
    made = grouped(outcomes, lambda event: event["user_id"])
    made = defaultdict(list, {
        user: [one for one in own if today - WINDOW_DAYS < day_of(one) <= today] for user, own in made.items()
    })
    teams = grouped(window, lambda event: event["team"])
    return {
        "now": now,
        "window_start": (today - WINDOW_DAYS + 1) * DAY_MS,
        "window_end": (today + 1) * DAY_MS,
        "all_time": figures(events),
        "window": figures(window),
        "leaderboards": {
            "company": leaderboard(window),
            **{f"team:{team}": leaderboard(group) for team, group in sorted(teams.items(), key=str) if team},
        },
        "titles": {title_id: title(metric, counted, made, today) for title_id, metric in TITLES.items()},
    }


def read_lines(path):
    with sys.stdin if path == "-" else open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trace", default=TRACE, help="the request trace, gzipped JSON lines")
    parser.add_argument("--seed", default="laurel-16", help="of the demo's assignment")
    parser.add_argument("--anchor", type=int, help="the demo's latest instant, ms; needed unless --events is given")
    parser.add_argument("--events", help="usage events as JSON lines instead of the demo's; - for standard input")
    parser.add_argument("--outcomes", help="outcomes as JSON lines, beside --events; none unless given")
    parser.add_argument("--now", type=int, help="the window ends with its UTC day, ms; the anchor unless given")
    parser.add_argument("--print-events", action="store_true", help="print the events as JSON lines, nothing else")
    parser.add_argument("--print-outcomes", action="store_true", help="the same of the outcomes")
    options = parser.parse_args()
    if options.events is None:
        if options.anchor is None:
            parser.error("--anchor or --events is needed")
        events = demo_events(read_trace(options.trace), options.seed, options.anchor)
        outcomes = demo_outcomes(events, options.seed, options.anchor)
    else:
        events = read_lines(options.events)
        outcomes = [] if options.outcomes is None else read_lines(options.outcomes)
    if options.print_events or options.print_outcomes:
        for event in events if options.print_events else outcomes:
            print(json.dumps(event))
        return
    now = options.anchor if options.now is None else options.now
    if now is None:
        parser.error("--now is needed with --events")
    json.dump(expected(deduplicated(events), now, deduplicated(outcomes, complete_outcome)), sys.stdout)
    print()


if __name__ == "__main__":
    try:
        main()
    except OutOfScope as fault:
        sys.exit(f"expected.py: {fault}")
