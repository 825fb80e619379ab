# SPDX-License-Identifier: MIT
"""The table: medians, ratios with their spread, goals."""
import math
import statistics
from dataclasses import dataclass, field


HEADS = f"  {'':<30}{'wall ms':>9}{'CPU ms':>9}{'RSS MB':>8}"


@dataclass
class Goal:
    """Of a ratio: what dewy takes at the most of what the competitor takes. Of dewy's own row: MiB of rss."""
    measure: str
    most: float


@dataclass
class Group:
    """What was measured side by side: the first contender is dewy, and is compared with the others; with of_first, it is what the
    others are compared with."""
    title: str
    names: list
    samples: list
    goals: dict = field(default_factory=dict)   # by the name of the contender
    columns: dict = field(default_factory=dict)  # further ones: a heading, and for each contender a number or None
    of_first: bool = False


def median(samples, measure):
    return statistics.median(getattr(sample, measure) for sample in samples)


def ratio(ours, theirs, measure):
    """The median of what the rounds say, and its quartiles."""
    ratios = [getattr(our, measure) / max(getattr(their, measure), 1e-9) for our, their in zip(ours, theirs)]
    if len(ratios) == 1:
        return ratios * 3
    low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return low, middle, high


def number(value):
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 1000 or value == int(value) else f"{value:.3g}" if value >= 100 else f"{value:.2f}"


def figures(samples):
    return "".join(f"{number(median(samples, measure) * scale):>{width}}"
                   for measure, scale, width in (("wall", 1000, 9), ("cpu", 1000, 9), ("rss", 1, 8)))


def order(counts, values):
    """How the values grow: the slope on logarithmic scales of what is above the value of the smallest count."""
    if max(values) < 1.25 * values[0]:
        return "does not grow"
    above = [(math.log(count - counts[0]), math.log(value - values[0]))
             for count, value in zip(counts[1:], values[1:]) if value > 1.05 * values[0]]
    if len(above) < 2:
        return f"{values[-1] / values[0]:.1f} times as much at the end"
    slope = statistics.linear_regression(*zip(*above)).slope
    word = "less than linear" if slope < 0.85 else "linear" if slope < 1.15 else "more than linear"
    return f"{word}, n to the power of {slope:.2f}"


class Table:
    def __init__(self, *files):
        self.files = files
        self.verdicts = []
        self.groups = 0

    def say(self, line=""):
        for file in self.files:
            print(line, file=file, flush=True)

    def add(self, group):
        self.groups += 1
        extra, which = list(group.columns), "it/first" if group.of_first else "dewy/it"
        heads = "".join(f"{head:>11}" for head in extra)
        self.say()
        self.say(group.title)
        self.say(f"{HEADS}{heads}  {f'wall, {which}':<18}{f'CPU, {which}':<18}goal")
        for index, (name, samples) in enumerate(zip(group.names, group.samples)):
            line = f"  {name:<30}{figures(samples)}"
            line += "".join(f"{number(group.columns[head][index]):>11}" for head in extra)
            for measure in ("wall", "cpu"):
                pair = (group.samples[0], samples)
                low, middle, high = ratio(*(reversed(pair) if group.of_first else pair), measure)
                line += f"  {f'{middle:.2f} ({low:.2f}-{high:.2f})' if index else '':<16}"
            self.say((line + "  " + self.judge(group, index, name, samples)).rstrip())

    def series(self, title, counts, samples, columns=None):
        """The same at several sizes, the smallest first, and how it grows."""
        self.groups += 1
        columns = columns or {}
        self.say()
        self.say(title)
        self.say(HEADS + "".join(f"{head:>11}" for head in columns))
        for index, (count, each) in enumerate(zip(counts, samples)):
            self.say(f"  {count:<30,}{figures(each)}" + "".join(f"{number(column[index]):>11}" for column in columns.values()))
        for measure, name in (("cpu", "CPU"), ("rss", "RSS")):
            self.say(f"  {name}: {order(counts, [median(each, measure) for each in samples])}")

    def judge(self, group, index, name, samples):
        goal = group.goals.get(name)
        if not goal:
            return ""
        if index == 0:
            reached = median(samples, goal.measure)
        elif goal.measure in group.columns:
            column = group.columns[goal.measure]
            reached = column[0] / column[index]
        else:
            reached = ratio(group.samples[0], samples, goal.measure)[1]
        return self.verdict(f"{group.title}: {name}", goal, reached)

    def verdict(self, what, goal, reached):
        met = reached <= goal.most
        self.verdicts.append((met, what, goal, reached))
        return f"{goal.measure} <= {goal.most:g} {'met' if met else 'missed'}"

    def conclude(self):
        missed = [verdict for verdict in self.verdicts if not verdict[0]]
        self.say()
        self.say(f"Goals: {len(self.verdicts) - len(missed)} met, {len(missed)} missed")
        for _, what, goal, reached in missed:
            self.say(f"  missed  {what}: {goal.measure} {reached:.3f}, which is above {goal.most:g}")
