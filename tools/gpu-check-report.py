#!/usr/bin/env python3
"""What tools/gpu-check.sh has found so far, as JSON tables and one page of Markdown.

Usage: gpu-check-report.py WORK RESULTS STAMP
  reads WORK/{about,parts,tests,sanitizer}.tsv, the tests' logs, the pieces of the operations' results, what tinct printed of steps and
  training, and the tables RESULTS/STAMP-*.json that the parts wrote; writes RESULTS/STAMP-{tests,sanitizer,ops,steps-alone,training}.json
  and RESULTS/STAMP.md
"""
import collections
import json
import pathlib
import re
import statistics
import sys

TRAINING = "Training vgg-unet to its step budget"
TRAINING_LOG = "vgg-unet/log.jsonl"
MOST_NAMES = 12  # of failed cases in a cell
MOST_ROWS = 120  # of a table on the page; its JSON has all


def rows_of(path, *columns):
    """The lines of a TSV file as dictionaries; none where there is no file."""
    lines = path.read_text().splitlines() if path.exists() else []
    return [dict(zip(columns, line.split("\t"))) for line in lines]


def text_of(path):
    return path.read_text() if path.exists() else ""


def count_catch(log):
    """Passed and failed test cases by the end of a Catch2 log; None where it has none."""
    if every := re.findall(r"^All tests passed \(.* in (\d+) test cases?\)", log, re.M):
        return int(every[-1]), 0
    if some := re.findall(r"^test cases:.*", log, re.M):
        counts = {what: int(n) for n, what in re.findall(r"(\d+) (passed|failed)", some[-1])}
        return counts.get("passed", 0), counts.get("failed", 0)
    return None


def failed_cases(log):
    """The test cases that a Catch2 log has something to say about, in order."""
    return list(dict.fromkeys(re.findall(r"^-{79}\n(.+)\n(?:  .*\n)*-{79}\n", log, re.M)))


def listed(names):
    more = len(names) - MOST_NAMES
    return "; ".join(names[:MOST_NAMES]) + (f"; and {more} more" if more > 0 else "")


def tests_table(work):
    rows = []
    for test in rows_of(work / "tests.tsv", "program", "status", "seconds"):
        log = (work / f"{test['program']}.log").read_text(errors="replace")
        status = int(test["status"])
        passed, failed = count_catch(log) or (int(status == 0), int(status != 0))
        ended = {0: "passed", 124: "stopped", 137: "stopped"}.get(status, f"failed (exit {status})")
        rows.append({"program": test["program"], "result": ended, "passed": passed, "failed": max(failed, int(status != 0)),
                     "seconds": int(test["seconds"]), "not passed": listed(failed_cases(log))})
    return {"table": "Tests", "rows": rows}


def sanitizer_table(work):
    cases = rows_of(work / "sanitizer.tsv", "tool", "state", "case")
    counts = collections.Counter((c["tool"], c["state"]) for c in cases)
    tools = sorted({c["tool"] for c in cases})
    rows = [{"tool": t, **{s: counts[t, s] for s in ("clean", "found", "stopped")},
             "findings": listed([c["case"] for c in cases if (c["tool"], c["state"]) == (t, "found")])} for t in tools]
    return {"table": "compute-sanitizer, test cases of test_gpu", "rows": rows}


def training_table(work):
    """A training run by its log: its steps, the time of one, how the loss went, and the validation."""
    steps = []
    for line in (work / TRAINING_LOG).read_text().splitlines():
        try:
            step = json.loads(line)
        except json.JSONDecodeError:  # of a run that was stopped
            continue
        if "ms" in step and "loss" in step:
            steps.append(step)
    if not steps:
        return {"table": TRAINING, "rows": [{"what": "steps", "value": 0}]}
    warm = steps[len(steps) // 5:]
    row = {"preset": "vgg-unet", "steps": len(steps), "median_ms": round(statistics.median(s["ms"] for s in warm), 2),
           "starved_ms": round(statistics.median(s.get("starved_ms", 0) for s in warm), 2),
           "first_loss": steps[0]["loss"], "last_loss": steps[-1]["loss"]}
    rows = [{"what": key.replace("_", " "), "value": value} for key, value in row.items()]
    if found := json.loads(text_of(work / "eval.json") or "{}"):
        rows += [{"what": f"validation: {m} of {who.replace('_', ' ')}", "value": found[who][m]}
                 for m in ("mse_ab", "psnr_ab") for who in ("model", "grey", "mean_colour")]
        rows.append({"what": "validation: colourfulness of the photographs'", "value": found["colourfulness_ratio"]})
    return {"table": TRAINING, "rows": rows}


def ops_table(work):
    """The pieces of tinct_gpu_bench's result as one."""
    pieces = [json.loads(p.read_text()) for p in sorted((work / "ops").glob("*.json"))]
    return {**pieces[0], "cases": [case for piece in pieces for case in piece["cases"]]}


def steps_table(work):
    """A step of each preset as `tinct train --dry-run` measures it."""
    rows = []
    for path in sorted(work.glob("step-*.json")):
        plan = json.loads(path.read_text() or "{}")
        row = {"preset": path.stem.removeprefix("step-")}
        if plan:
            row |= {"step_ms": plan["step_ms"], "peak_mib": plan["measured_peak_bytes"] / 2**20}
        rows.append(row)
    return {"table": "Training steps of tinct alone, at each preset's batch", "rows": rows}


def made(name, make, work):
    """The table, or, of a part whose files are not what they should be, why there is none."""
    try:
        return make(work)
    except (ValueError, KeyError, IndexError, OSError) as error:
        return {"table": name, "note": f"not readable: {error!r}", "rows": []}


def shown(value):
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value).replace("|", "\\|").replace("\n", " ")


def rows_to_show(table):
    """A table's rows; of a benchmark's cases the milliseconds of every side, and those whose results are wrong."""
    if "cases" not in table:
        return [{k: v for k, v in row.items() if not isinstance(v, (list, dict))} for row in table.get("rows", [])]
    return [{"operation": c["group"], "case": c["name"], "stored as": c["precision"],
             "ms": ", ".join(f"{name} {side['ms']:.4g}" for name, side in c["sides"].items()),
             "wrong": ", ".join(name for name, side in c["sides"].items() if side.get("right") is False)} for c in table["cases"]]


def markdown(table):
    flat = rows_to_show(table)
    columns = list(dict.fromkeys(key for row in flat for key in row))
    if not columns:
        return []
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    lines += ["| " + " | ".join(shown(row.get(c, "")) for c in columns) + " |" for row in flat[:MOST_ROWS]]
    if len(flat) > MOST_ROWS:
        lines.append(f"\n{len(flat) - MOST_ROWS} more in the JSON file.")
    return lines


def page(about, parts, tables):
    lines = [f"# tinct on {about['card']}, {about['date']}", "",
             f"Commit {about['commit']}, driver {about['driver']}; made by `tools/gpu-check.sh`.", "",
             "| part | | seconds | |", "| --- | --- | --- | --- |"]
    lines += [f"| {p['part']} | {p['state']} | {p['seconds']} | {shown(p.get('said', '')) if p['state'] != 'passed' else ''} |"
              for p in parts]
    for name, table in tables:
        lines += ["", f"## {table.get('table', name)}", "", *([table["note"], ""] if table.get("note") else []), table.get("text") or "\n".join(markdown(table))]
    return "\n".join(lines) + "\n"


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    work, results, stamp = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
    about = {row["key"]: row["value"] for row in rows_of(work / "about.tsv", "key", "value")}
    makers = {"tests": (tests_table, "tests.tsv"), "sanitizer": (sanitizer_table, "sanitizer.tsv"),
              "training": (training_table, TRAINING_LOG), "steps-alone": (steps_table, "step-unet-small.json"), "ops": (ops_table, "ops/*.json")}
    for name, (make, source) in makers.items():
        if any(work.glob(source)):
            (results / f"{stamp}-{name}.json").write_text(json.dumps({**about, **made(name, make, work)}, indent=1) + "\n")
    tables = []
    for path in sorted(results.glob(f"{stamp}-*.json"), key=lambda p: (p.stem != f"{stamp}-tests", p.stem)):
        try:
            tables.append((path.stem, json.loads(path.read_text())))
        except json.JSONDecodeError as error:
            tables.append((path.stem, {"table": path.name, "note": f"not readable: {error}"}))
    for name, title in (("ops", "Operations"), ("steps", "Training steps")):  # both sides in one table
        if (work / f"{name}.md").exists():
            tables = [t for t in tables if t[0] not in (f"{stamp}-{name}", f"{stamp}-{name}-torch")]
            tables.append((name, {"table": title, "text": (work / f"{name}.md").read_text()}))
    parts = rows_of(work / "parts.tsv", "part", "state", "seconds", "said")
    (results / f"{stamp}.md").write_text(page(about, parts, tables))


main()
