"""The demo's events, derived from the request trace as docs/reference/demo-data.md describes. Standard library only."""

import gzip
import hashlib
import json
from pathlib import Path

TRACE = Path(__file__).resolve().parents[2] / "cli" / "data" / "mooncake_conversation.jsonl.gz"

BLOCK_TOKENS = 512
DAY_MS = 86_400_000
HOUR_MS = 3_600_000
WINDOW_DAYS = 30

USERS = 300
TEAMS = [
    ("platform", 9), ("payments", 8), ("search", 7), ("mobile", 7), ("data", 6), ("web", 6),
    ("security", 5), ("support-tools", 4), ("research", 4), ("infrastructure", 3), ("finance", 2), ("design", 2),
]
MODELS = [
    ("anthropic", "claude-sonnet-4-6", 22), ("openai", "gpt-5.4", 14), ("anthropic", "claude-opus-4-5", 10),
    ("anthropic", "claude-haiku-4-5-20251001", 10), ("google", "gemini-2.5-pro", 10), ("openai", "gpt-5.1-codex", 9),
    ("anthropic", "claude-opus-4-5-20251101", 8), ("openai", "gpt-5.4-mini", 8), ("google", "gemini-2.5-flash", 6),
    ("openai", "gpt-5.4-mini-2026-03-17", 5), ("openrouter", "moonshotai/kimi-k2", 4), ("deepseek", "deepseek-chat", 3),
]
FAVOURITE_COUNTS = [30, 35, 20, 10, 4, 1]
LEANINGS = [100, 60, 30, 10]
CRAFTS, CRAFT_WEIGHTS = [1, 2, 3, 5], [40, 30, 20, 10]
LESSONS, LESSON_WEIGHTS = [0, 20, 40, 80], [40, 30, 20, 10]
OUTCOMES = [("edit_accepted", "edits", 12), ("commit", "commit", 10), ("pull_request_merged", "pull-request", 3)]
EDITS = [8, 6, 4, 3, 2, 1]
RECENT_DAYS = 14
ORIGINS = [("main", 88), ("subagent", 8), ("auxiliary", 4)]
STATUSES = [("ok", 96), ("error", 2), ("cancelled", 2)]
WEEKDAY_WEIGHT, WEEKEND_WEIGHT = 10, 2
HOUR_WEIGHTS = [1, 1, 1, 1, 1, 2, 3, 6, 10, 12, 12, 11, 9, 11, 12, 12, 10, 8, 5, 4, 3, 2, 2, 1]


def digest(label):
    return hashlib.sha256(label.encode("utf-8")).digest()


def draw(label):
    """A number in [0, 1) with 48 bits."""
    return int.from_bytes(digest(label)[:6], "big") / 2**48


def pick(label, weights):
    """The index of the weight into which the draw falls."""
    rest = int(draw(label) * sum(weights))
    for index, weight in enumerate(weights):
        rest -= weight
        if rest < 0:
            return index
    raise AssertionError("a draw is below 1")


def read_trace(path=TRACE):
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def cached_tokens(requests):
    """For each request the tokens that an unbounded prefix cache would have held."""
    root, result = {}, []
    for request in requests:
        node, shared, known = root, 0, True
        for block in request["hash_ids"]:
            known = known and block in node
            shared += known
            node = node.setdefault(block, {})
        result.append(min(BLOCK_TOKENS * shared, request["input_length"]))
    return result


def session_numbers(requests):
    """For each request the number of its session; sessions are numbered from 0 in the order of their first requests."""
    owner, result, sessions = {}, [], 0
    for request in requests:
        ids = tuple(request["hash_ids"])
        lengths = range(len(ids), 1, -1)
        session = next((owner[ids[:length]] for length in lengths if ids[:length] in owner), None)
        if session is None:
            session = sessions
            sessions += 1
        result.append(session)
        if len(ids) > 2:
            owner[ids[:-1]] = session
    return result


class User:
    def __init__(self, seed, index):
        self.id = "u-" + digest(f"{seed}/user-id/{index}").hex()[:10]
        self.team = TEAMS[pick(f"{seed}/user-team/{index}", [weight for _, weight in TEAMS])][0]
        self.favourites, self.leanings = [], []
        popularity = [weight for _, _, weight in MODELS]
        for nth in range(1 + pick(f"{seed}/user-favourites/{index}", FAVOURITE_COUNTS)):
            chosen = pick(f"{seed}/user-favourite/{index}/{nth}", popularity)
            popularity[chosen] = 0
            self.favourites.append(chosen)
            self.leanings.append(LEANINGS[pick(f"{seed}/user-leaning/{index}/{nth}", [1] * len(LEANINGS))])
        self.craft = CRAFTS[pick(f"{seed}/user-hand/{index}", CRAFT_WEIGHTS)]
        self.learned = LESSONS[pick(f"{seed}/user-gain/{index}", LESSON_WEIGHTS)]


def session_start(seed, session, duration, anchor):
    first_day = anchor // DAY_MS - (WINDOW_DAYS - 1)
    # 1970-01-01 was a Thursday, so (day + 4) mod 7 is 0 on a Sunday and 6 on a Saturday.
    days = [WEEKEND_WEIGHT if (first_day + d + 4) % 7 in (0, 6) else WEEKDAY_WEIGHT for d in range(WINDOW_DAYS)]
    attempt = 0
    while True:
        label = f"{seed}/session-start/{session}/{attempt}"
        day = first_day + pick(f"{label}/day", days)
        hour = pick(f"{label}/hour", HOUR_WEIGHTS)
        start = day * DAY_MS + hour * HOUR_MS + int(draw(f"{label}/ms") * HOUR_MS)
        if start + duration <= anchor:
            return start
        attempt += 1


def demo_events(requests, seed, anchor):
    """Every request of the trace as a usage event in its documented JSON form, in the order of the trace."""
    cached, sessions = cached_tokens(requests), session_numbers(requests)
    first, last = {}, {}
    for line, (request, session) in enumerate(zip(requests, sessions), 1):
        first.setdefault(session, (line, request["timestamp"]))
        last[session] = request["timestamp"]
    users = [User(seed, index) for index in range(USERS)]
    user_weights = [1_000_000 // (index + 3) for index in range(USERS)]
    assigned = {}
    for session, (_, began) in first.items():
        user = users[pick(f"{seed}/session-user/{session}", user_weights)]
        provider, model, _ = MODELS[user.favourites[pick(f"{seed}/session-model/{session}", user.leanings)]]
        assigned[session] = user, provider, model, session_start(seed, session, last[session] - began, anchor)
    events = []
    for line, (request, session, read) in enumerate(zip(requests, sessions, cached), 1):
        user, provider, model, start = assigned[session]
        first_line, began = first[session]
        written = request["input_length"] - read
        anthropic = provider == "anthropic"
        events.append({
            "event_id": f"line-{line}",
            "source": "mooncake-conversation",
            "revision": 0,
            "retracted": False,
            "occurred_at": start + request["timestamp"] - began,
            "user_id": user.id,
            "team": user.team,
            "session_id": f"session-{first_line}",
            "provider": provider,
            "model": model,
            "tokens": {
                "input": 0 if anthropic else written,
                "cache_read": read,
                "cache_write_5m": written if anthropic else 0,
                "cache_write_1h": 0,
                "cache_write": 0,
                "output": request["output_length"],
                "reasoning": 0,
            },
            "cost_micro_usd": None,
            "status": STATUSES[pick(f"{seed}/status/{line}", [weight for _, weight in STATUSES])][0],
            "origin": ORIGINS[pick(f"{seed}/origin/{line}", [weight for _, weight in ORIGINS])][0],
            "attributes": {"data": "semi-synthetic"},
        })
    return events


def demo_outcomes(events, seed, anchor):
    """What is invented to have come of the sessions of these events, each session's at its last request."""
    users = {user.id: user for user in (User(seed, index) for index in range(USERS))}
    last = {}
    for event in events:
        last[event["session_id"]] = event
    outcomes = []
    for session, (session_id, event) in enumerate(last.items()):
        user = users[event["user_id"]]
        is_recent = event["occurred_at"] // DAY_MS > anchor // DAY_MS - RECENT_DAYS
        yielding = user.craft * (100 if is_recent else 100 - user.learned)
        for kind, label, share in OUTCOMES:
            if draw(f"{seed}/session-{label}/{session}") * 10_000 >= share * yielding:
                continue
            edits = 1 + pick(f"{seed}/session-edits-accepted/{session}", EDITS) if kind == "edit_accepted" else 1
            outcomes.append({
                "event_id": f"{session_id}-{label}",
                "source": "demo-outcomes",
                "revision": 0,
                "retracted": False,
                "occurred_at": event["occurred_at"],
                "user_id": user.id,
                "team": user.team,
                "session_id": session_id,
                "kind": kind,
                "quantity": edits,
                "attributes": {"data": "invented"},
            })
    return outcomes
