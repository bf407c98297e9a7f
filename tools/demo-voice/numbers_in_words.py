"""Numbers, times, years and amounts for the grammar, half of them written in digits."""

ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
).split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
IRREGULAR_ORDINALS = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth", "twelve": "twelfth"}
DIGITS_SHARE = 0.45


def in_words(n):
    if n < 20:
        return ONES[n]
    if n < 100:
        return TENS[n // 10 - 2] + (" " + ONES[n % 10] if n % 10 else "")
    if n < 1000:
        return ONES[n // 100] + " hundred" + (" and " + in_words(n % 100) if n % 100 else "")
    return in_words(n // 1000) + " thousand" + (" " + in_words(n % 1000) if n % 1000 else "")


def year_in_words(n):
    if 2000 <= n < 2010:
        return "two thousand" + (" and " + ONES[n - 2000] if n > 2000 else "")
    if n % 100 == 0:
        return in_words(n // 100) + " hundred"
    rest = in_words(n % 100) if n % 100 >= 10 else "oh " + ONES[n % 100]
    return in_words(n // 100) + " " + rest


def ordinal_in_words(n):
    *head, last = in_words(n).split()
    if last in IRREGULAR_ORDINALS:
        last = IRREGULAR_ORDINALS[last]
    elif last.endswith("y"):
        last = last[:-1] + "ieth"
    else:
        last += "th"
    return " ".join([*head, last])


def ordinal_in_digits(n):
    suffix = "th" if 10 <= n % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{suffix}"


def small_or_large(rng):
    kind = rng.random()
    if kind < 0.45:
        return rng.randint(2, 20)
    return rng.randint(21, 99) if kind < 0.85 else rng.randint(100, 999)


def clock_time(rng, digits):
    hour, minute = rng.randint(1, 12), rng.choice([0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, rng.randint(1, 59)])
    part = rng.choice(["", "", " in the morning", " in the evening", " in the afternoon"])
    if digits:
        return f"{hour}:{minute:02d}" + part
    if minute == 0:
        return f"{ONES[hour]} o'clock" + part
    if rng.random() < 0.3 and minute in (15, 30, 45):
        phrase = {15: "quarter past", 30: "half past", 45: "quarter to"}[minute]
        return f"{phrase} {ONES[hour]}" + part
    return f"{ONES[hour]} " + (f"oh {ONES[minute]}" if minute < 10 else in_words(minute)) + part


def fill_number(slot, rng):
    """A text for a number slot, or None when the slot is not one."""
    digits = rng.random() < DIGITS_SHARE
    if slot == "int":
        n = small_or_large(rng)
        return str(n) if digits else in_words(n)
    if slot == "digits":
        numbers = [rng.randint(0, 9) for _ in range(rng.randint(3, 6))]
        return " ".join(str(n) if digits else ONES[n] for n in numbers)
    if slot == "phone":
        groups = [[rng.randint(0, 9) for _ in range(3)] for _ in range(rng.randint(2, 3))]
        return ", ".join(" ".join(ONES[n] for n in group) for group in groups)
    if slot == "time":
        return clock_time(rng, digits)
    if slot == "year":
        n = rng.randint(1700, 2029)
        return str(n) if digits else year_in_words(n)
    if slot == "money":
        n = small_or_large(rng)
        unit = rng.choice(["dollars", "pounds", "cents", "euros"])
        return f"{n if digits else in_words(n)} {unit}"
    if slot == "ordinal":
        n = rng.randint(1, 31)
        return ordinal_in_digits(n) if digits else ordinal_in_words(n)
    if slot == "temperature":
        n = rng.randint(2, 39)
        return f"{n if digits else in_words(n)} degrees"
    return None
