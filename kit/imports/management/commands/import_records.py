"""manage.py import_records: bring in a sheet of any kind, with the engine of the screen: all rows or none."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.files import File
from django.core.management.base import BaseCommand, CommandError

from kit.domain.verdict import Refused
from kit.exchange.unreadable_files import UnreadableFile, describe_open_error
from kit.imports.kinds import ImportKind, Outcome, SheetRefused, kinds
from kit.imports.models import ImportRun
from kit.imports.steps import begin, check, scan_values
from kit.imports.tasks import WRITE, take_step
from kit.imports.writing import OUTCOME_LABELS

SHOWN = 200


class Command(BaseCommand):
    help = "导入一张表：与「导入」页面相同的对应、修正和规则。有一行被拒绝就什么都不写入。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", metavar="KIND", choices=[kind.key for kind in kinds()], help="导入什么")
        parser.add_argument("file", type=Path, metavar="FILE", help="xlsx、xls 或 csv")
        parser.add_argument("--user", required=True, metavar="USERNAME", help="以谁的权限导入（用户名）")
        parser.add_argument("--map", type=Path, metavar="FILE", help="JSON：列、修正的值、方式；没有写的按建议")
        parser.add_argument("--dry-run", action="store_true", help="只检查，不写入")

    def handle(self, *args: Any, kind: str, file: Path, user: str, dry_run: bool, **options: Any) -> None:
        chosen = next(one for one in kinds() if one.key == kind)
        by = self._find_user(user, chosen)
        choices = _read_choices(options["map"])
        run = None
        try:
            with file.open("rb") as stream:
                run = begin(chosen, by, File(stream, name=file.name), file.name)
            _take_over(run, choices, by)
            self._check(run, by)
            if not dry_run:
                run.is_strict = True
                run.save()
                take_step(run, WRITE, by)
                run.refresh_from_db()
        except (SheetRefused, UnreadableFile, Refused) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(describe_open_error(file, error)) from error
        finally:
            if run is not None and run.written_at is None:
                run.drop_file()
                run.delete()
        told = "，".join(f"{label} {run.count(outcome)}" for outcome, label in OUTCOME_LABELS.items())
        self.stdout.write(f"{'检查通过' if dry_run else '已导入'}：{told}，共 {run.row_count} 行。")

    def _find_user(self, username: str, kind: ImportKind) -> Any:
        by = get_user_model()._default_manager.filter(username=username, is_active=True).first()
        if by is None:
            raise CommandError(f"没有用户名为「{username}」的在职用户。")
        if not by.has_perm(kind.permission):
            raise CommandError(f"「{username}」的角色不能导入{kind.label}。")
        return by

    def _check(self, run: ImportRun, by: Any) -> None:
        """Say what is refused, and stop there."""
        check(run, by)
        for note in run.notes:
            self.stdout.write(note)
        refused = run.rows.filter(outcome=str(Outcome.REFUSE)).order_by("line")
        for row in refused[:SHOWN]:
            for problem in row.reasons:
                self.stderr.write(f"第 {row.line} 行「{problem.label}」：{problem.reason}")
        if run.refused:
            raise SheetRefused(f"{run.refused} 行被拒绝，什么都没有写入。请改正后重新导入。")


def _read_choices(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        choices = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CommandError(describe_open_error(path, error)) from error
    except ValueError as error:
        raise CommandError(f"{path.name} 不是 JSON：{error}") from error
    known = {"columns", "values", "mode", "reason", "fallback"}
    if not isinstance(choices, dict) or choices.keys() - known:
        raise CommandError(f"{path.name} 只能有这些项：{'、'.join(sorted(known))}。")
    return choices


def _take_over(run: ImportRun, choices: dict[str, Any], by: Any) -> None:
    """Set what the file of choices says; everything else stays as proposed. Raise SheetRefused."""
    heads = {head: key for key, head in run.heads}
    targets = {name: target.key for target in run.kind.targets(by) for name in (target.key, target.full_label)}
    for head, target in dict(choices.get("columns", {})).items():
        if head not in heads or (target and target not in targets):
            raise SheetRefused(f"对应「{head}」→「{target}」：表里没有这一列，或没有这个字段。")
        run.columns[heads[head]] = targets[target] if target else ""
    run.mode = choices.get("mode", run.mode)
    if run.mode not in ImportRun.Mode.values:
        raise SheetRefused(f"方式只能是 {'、'.join(ImportRun.Mode.values)}。")
    run.reason = str(choices.get("reason", ""))[:200]
    people = run.kind.fallbacks(by)
    if people is not None and choices.get("fallback"):
        person = people.filter(username=choices["fallback"]).first()
        if person is None:
            raise SheetRefused(f"没有用户名为「{choices['fallback']}」、您可以让他负责的人。")
        run.fallback_id = person.pk
    scan_values(run, by)
    for target, repairs in dict(choices.get("values", {})).items():
        run.repairs.setdefault(targets.get(target, target), {}).update(repairs)
    run.save()
