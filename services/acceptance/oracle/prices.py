"""List prices of the demo's models, from the providers' pages, in US dollars for a million tokens. Standard library only.

Models that are not here have no known price, as the demo's deepseek-chat, whose price depended on the time of day.
"""

# input, cache read, cache write for five minutes, output; None: there is no such price.
PER_MILLION = {
    "claude-sonnet-4-6": ("3", "0.3", "3.75", "15"),
    "claude-opus-4-5": ("5", "0.5", "6.25", "25"),
    "claude-opus-4-5-20251101": ("5", "0.5", "6.25", "25"),
    "claude-haiku-4-5-20251001": ("1", "0.1", "1.25", "5"),
    "gpt-5.4": ("2.5", "0.25", None, "15"),
    "gpt-5.4-mini": ("0.75", "0.075", None, "4.5"),
    "gpt-5.4-mini-2026-03-17": ("0.75", "0.075", None, "4.5"),
    "gpt-5.1-codex": ("1.25", "0.125", None, "10"),
    "gemini-2.5-pro": ("1.25", "0.125", None, "10"),
    "gemini-2.5-flash": ("0.3", "0.03", None, "2.5"),
    "moonshotai/kimi-k2": ("0.57", None, None, "2.3"),
}
CLASSES = ("input", "cache_read", "cache_write_5m", "output")
# Two of the models cost more above this many tokens of input, more than any request of the trace has.
LONG_INPUT = 200_000


def pico(text):
    """From dollars for a million tokens to whole 10^-12 dollars for one."""
    whole, _, decimals = text.partition(".")
    return int(whole) * 10**6 + int(decimals.ljust(6, "0"))


RATES = {
    model: {name: None if text is None else pico(text) for name, text in zip(CLASSES, texts)}
    for model, texts in PER_MILLION.items()
}


def pico_usd(event):
    """What an event costs, in 10^-12 US dollars; None where a price that it needs is not known."""
    used = {name: count for name, count in event["tokens"].items() if count > 0 and name != "reasoning"}
    if sum(count for name, count in used.items() if name != "output") > LONG_INPUT:
        return None
    if not used:
        return 0
    rates = RATES.get(event["model"], {})
    if any(rates.get(name) is None for name in used):
        return None
    return sum(count * rates[name] for name, count in used.items())
