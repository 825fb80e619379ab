# SPDX-License-Identifier: MIT
"""What the tools cost before they do anything."""
from measure import Contender, in_turn
from table import Group

TOOLS = ("dewy", "dewy-check", "dewy-fetch", "dewy-deploy", "dewy-restart", "dewy-notify", "dewy-serve", "dewy-doctor")


def run(bench, table):
    repeat = bench.size(20, 2)
    contenders = [Contender("empty process", [bench.tool("empty")], repeat=repeat)]
    contenders += [Contender(f"{tool} --version", [tool, "--version"], repeat=repeat) for tool in TOOLS]
    table.add(Group("start", [each.name for each in contenders], in_turn(bench, contenders), of_first=True))
