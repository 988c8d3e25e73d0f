"""The steps of a run before anything is written: finding heads, matching columns, repairing values, the preview."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from django.core.files.base import File
from django.db import transaction
from django.utils import timezone

from kit.audit.log import log_event
from kit.domain.actor import Actor
from kit.domain.file_names import cut_file_name
from kit.domain.folding import fold_name

from . import date_patterns, matching, repairs, sheets
from .kinds import Beat, Choices, Importer, ImportKind
from .models import ImportRow, ImportRun
from .remembering import remember, remembered_columns, remembered_repairs
from .sheet_rows import SheetRows, open_table
from .targets import Kind, Target
from .units import ask_unit

SAMPLE_ROWS = 200  # whose cells tell what a column holds
MAX_WRONG_VALUES = 300  # of one column, most frequent first
MAX_ROWS = 200_000
ROWS_PER_INSERT = 1000
ASKED_KINDS = (Kind.CHOICE, Kind.REGION, Kind.PERSON, Kind.DATE, Kind.MONEY)


def begin(kind: ImportKind, by: Actor, file: File[Any], name: str) -> ImportRun:
    """Store an uploaded file and propose what its columns mean. Raise UnreadableFile, and keep nothing."""
    run = ImportRun(kind_key=kind.key, owner_id=by.pk, name=cut_file_name(name))
    run.file.save(name, file, save=False)
    try:
        best = sheets.look(Path(run.file.path), run.name).best
        run.sheet, run.header_rows = best.name, list(best.header_rows)
        match_columns(run, by)
    except Exception:
        run.file.delete(save=False)
        raise
    run.save()
    log_event(by, "上传", text=f"{kind.label}：{run.name}")
    return run


def choose_sheet(run: ImportRun, by: Actor, sheet: str, header_rows: Iterable[int]) -> None:
    """Read another sheet of the file, or other rows as heads. Raise UnreadableFile."""
    run.sheet, run.header_rows = sheet, list(header_rows)
    run.repairs, run.wrong_values, run.new_entries = {}, {}, {}
    match_columns(run, by)
    run.state, run.checked_at = run.State.MAPPING, None
    run.save()


def match_columns(run: ImportRun, by: Actor) -> None:
    """Propose a target for every column of the chosen sheet, and count its rows."""
    table, samples = open_table(run), []
    count = 0
    for row in table:
        count += 1
        if count <= SAMPLE_ROWS:
            samples.append(row.cells)
        if count > MAX_ROWS:
            raise sheets.UnreadableFile(f"最多一次导入 {MAX_ROWS:,} 行，请分成几个文件。")
    if not count:
        raise sheets.UnreadableFile("表头下面没有数据行。请换一个工作表，或看看表头是不是第一行。")
    run.row_count, run.notes = count, table.notes
    run.heads = [[str(head.column), head.shown] for head in table.heads]
    columns = [[cells[place] for cells in samples] for place in range(len(table.heads))]
    matches = matching.match_columns(
        [head.text for head in table.heads], columns, list(run.kind.targets(by)), remembered_columns(run)
    )
    keys = [str(head.column) for head in table.heads]
    run.columns = {key: match.target or "" for key, match in zip(keys, matches, strict=True)}
    run.why = {key: [match.fault or match.why, match.sure] for key, match in zip(keys, matches, strict=True)}


def samples_of(run: ImportRun) -> dict[str, str]:
    """Return the first text of every column, for a look at the sheet."""
    table, found = open_table(run), dict[str, str]()
    for place, row in enumerate(table):
        for head, text in zip(table.heads, row.cells, strict=False):
            if text.strip():
                found.setdefault(str(head.column), text.strip()[:60])
        if place > 20 or len(found) == len(table.heads):
            break
    return found


def scan_values(run: ImportRun, by: Actor, beat: Beat | None = None) -> None:
    """Collect the values that the product does not know, and propose what each becomes for all of its rows."""
    targets = {target.key: target for target in run.kind.targets(by)}
    asked = {key: targets[name] for key, name in run.columns.items() if name and targets[name].kind in ASKED_KINDS}
    chosen = {**remembered_repairs(run), **run.repairs}  # who comes back to this step finds their own choices
    added, answers = run.new_entries, {**run.date_patterns, **run.units}
    run.repairs, run.date_patterns, run.units = {}, {}, {}
    counted: dict[str, Counter[str]] = {key: Counter() for key in asked}
    rows = SheetRows(run)
    for count, (_, cells) in enumerate(rows, start=1):
        for key, counter in counted.items():
            if text := cells.get(key, "").strip():
                counter[text] += 1
        if beat and count % 1000 == 0:
            beat(count)
    heads = dict(run.heads)
    run.wrong_values, run.new_entries, run.questions, run.notes = {}, {}, {}, rows.notes
    for key, target in asked.items():
        if target.kind is Kind.DATE:
            _ask_for_pattern(run, target, counted[key], is_1904=rows.is_1904)
        elif target.kind is Kind.MONEY:
            _ask_for_unit(run, target, heads[key], counted[key])
        else:
            _propose(run, by, target, counted[key], chosen.get(target.key, {}))
            texts = {text for text, *_ in run.wrong_values.get(target.key, [])}
            if kept := [text for text in added.get(target.key, []) if text in texts]:
                run.new_entries[target.key] = kept
    for key, (_, choices) in run.questions.items():
        if answers.get(key) in {value for value, _ in choices}:
            (run.units if key in run.units else run.date_patterns)[key] = answers[key]


def _ask_for_pattern(run: ImportRun, target: Target, counter: Counter[str], *, is_1904: bool) -> None:
    guess = date_patterns.guess(counter, is_1904=is_1904)
    run.date_patterns[target.key] = guess.pattern
    if guess.choices:
        run.questions[target.key] = [guess.question, [list(choice) for choice in guess.choices]]


def _ask_for_unit(run: ImportRun, target: Target, head: str, counter: Counter[str]) -> None:
    question = ask_unit(head, counter, target.unit or "元")
    if question:
        run.units[target.key] = question.likely
        run.questions[target.key] = [question.why, [[unit, unit] for unit in question.choices]]


def _propose(run: ImportRun, by: Actor, target: Target, counter: Counter[str], chosen: Mapping[str, str]) -> None:
    candidates = run.kind.candidates(by, target)
    folded = {fold_name(text): key for text, key in chosen.items()}
    empty = {text for text, key in folded.items() if not key}
    lines = []
    for one in repairs.propose(counter, candidates, target.kind, folded)[:MAX_WRONG_VALUES]:
        key, why = one.candidate.key if one.candidate else "", one.why
        if key or fold_name(one.value) in empty:
            run.repairs.setdefault(target.key, {})[one.value] = key
        lines.append([one.value, one.rows, key, why])
    if lines:
        run.wrong_values[target.key] = lines


def choices_of(run: ImportRun) -> Choices:
    return Choices(
        {key: (run.columns[key], _with_unit(run, key, head)) for key, head in run.heads if run.columns.get(key)},
        run.mode,
        run.fallback_id,
        run.reason,
        {target: frozenset(texts) for target, texts in run.new_entries.items()},
    )


def _with_unit(run: ImportRun, key: str, head: str) -> str:
    """Return a head with the unit that the owner named where the sheet named none."""
    unit = run.units.get(run.columns[key])
    return f"{head}（{unit}）" if unit else head


def plan(run: ImportRun, by: Actor | None, beat: Beat | None = None) -> Importer:
    """Return what an import would do with every row now. Raise SheetRefused or UnreadableFile."""
    importer = run.kind.importer(by, choices_of(run))
    importer.read(SheetRows(run), beat)
    return importer


def check(run: ImportRun, by: Actor, beat: Beat | None = None) -> None:
    """Store the preview: what becomes of every row, and the counts. Raise SheetRefused or UnreadableFile."""
    importer = plan(run, by, beat)
    planned = importer.planned()
    counts = Counter(str(row.outcome) for row in planned)
    with transaction.atomic():
        run.rows.all().delete()
        for start in range(0, len(planned), ROWS_PER_INSERT):
            ImportRow.objects.bulk_create(ImportRow.of(run, row) for row in planned[start : start + ROWS_PER_INSERT])
        run.counts, run.notes, run.row_count = dict(counts), importer.notes, len(planned)
        run.needs_reason = importer.needs_reason
        run.state, run.checked_at, run.problem = run.State.PREVIEW, timezone.now(), ""
        run.save()
        if run.remembers:
            remember(run)
        if importer.beyond:
            log_event(by, "导入查重", text=f"{run.kind.label}：{run.name}", 不在您的编辑范围内=importer.beyond)
