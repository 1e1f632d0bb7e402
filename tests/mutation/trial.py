"""Try mutants in processes that have imported everything already.

A folder and tests -> a `Record` of which test runs which lines, and how each mutant
ended.

A mutant within a function is tried by giving the function other code, in a fork of a
process that has collected the tests and made what most of them need. Where the function
had a part in that, it is tried in a fork of the process as it was before. What runs at
import, and what is called by it, is tried in a fork of a process that has imported none
of the folder, nor what needs it: it imports both anew, with the changed module in its
place.

Invariant: no file is written.
"""

from __future__ import annotations

import ast
import gc
import inspect
import os
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from time import process_time
from types import CodeType, FrameType, FunctionType
from typing import Any, Final

import pytest

from tests.mutation.forks import BrokenError, Send, TooLongError, allow, forked
from tests.mutation.mutants import Mutant, mutants

KILLED, TIMED_OUT, SURVIVED = "killed", "timed-out", "survived"
Line = tuple[str, int]  # a file and a line in it
_Function = tuple[str, str, int]  # a file, its name in it, its first line
_Live = dict[_Function, list[FunctionType]]
# A mutant may take so many times as long as the code that it changes.
_TIMES: Final = 4
_LEAST: Final = 2
_KILLERS: Final = 6


@dataclass
class Record:
    """Which tests run which lines, and what they take while they are watched."""

    seconds: dict[str, float] = field(default_factory=dict)
    by_line: dict[Line, set[str]] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    imported: list[str] = field(default_factory=list)

    def tests_of(self, lines: Iterable[Line]) -> list[str]:
        """Return the tests that run any of these lines, fastest first."""
        found = set().union(*(self.by_line.get(line, ()) for line in lines))
        return sorted(found, key=lambda test: self.seconds[test])


@dataclass(frozen=True)
class Ending:
    """How a mutant ended: killed, timed out or survived."""

    file: str
    number: int
    line: int
    function: str
    change: str
    ending: str  # empty where that is still to be seen
    by: str = ""  # the test that noticed

    @classmethod
    def of(cls, file: Path, mutant: Mutant, ending: str, by: str = "") -> Ending:
        """Say how a mutant of a file ended."""
        place = mutant.place.name
        told = (mutant.number, mutant.line, place, mutant.change)
        return cls(str(file), *told, ending, by)


class _Watch:
    """Notes which functions and lines of some files are run."""

    def __init__(self, files: Iterable[Path]) -> None:
        self._files = {str(file) for file in files}
        self.called: set[_Function] = set()
        self.lines: set[Line] = set()

    def __call__(self, frame: FrameType, _event: str, _arg: object) -> Any:
        code = frame.f_code
        if code.co_filename not in self._files:
            return None
        if code.co_flags & inspect.CO_OPTIMIZED:
            self.called.add((code.co_filename, code.co_qualname, code.co_firstlineno))
        return self._line

    def _line(self, frame: FrameType, _event: str, _arg: object) -> Any:
        self.lines.add((frame.f_code.co_filename, frame.f_lineno))
        return self._line


class _Run:
    """What pytest does with the collected tests, and whether one failed."""

    def __init__(self, loop: Callable[[_Run, pytest.Session], None]) -> None:
        self._loop = loop
        self.failed = ""
        self.seconds: dict[str, float] = {}

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if not session.testsfailed:
            self._loop(self, session)
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed = report.nodeid

    def run(self, items: list[pytest.Item]) -> str:
        """Run tests until one fails; return its name."""
        for item, then in zip(items, [*items[1:], None], strict=True):
            allow(_LEAST + _TIMES * self.seconds.get(item.nodeid, 0))
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=then)
            if self.failed:
                break
        return self.failed


def _pytest(tests: Iterable[str], run: _Run) -> int:
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    # What is marked as slow is slower than any test that is wanted here.
    options = ("-q", "-x", "-m", "not slow")
    options += ("-p", "no:cacheprovider", "-p", "no:faulthandler")
    return int(pytest.main([*options, *tests], plugins=[run]))


@dataclass
class Trial:
    """Mutants of some files, and the tests that should notice."""

    files: list[Path]
    tests: tuple[str, ...]
    slowest: float  # tests that take longer are left out
    wanted: Callable[[Path, Mutant], bool]
    warm: Callable[[], object]  # makes what nearly every test needs
    record: Record = field(default_factory=Record)
    killers: deque[str] = field(default_factory=lambda: deque(maxlen=_KILLERS))

    def endings(self) -> Iterator[Ending]:
        """Yield how each mutant ended; the record is whole before the first.

        Raises:
            LookupError: the tests fail without any change; says which.
        """
        anew: set[tuple[str, int]] = set()
        for said in forked(self._with_tests):
            if isinstance(said, Record):
                self.record = said
                if said.failed or not said.seconds:
                    raise LookupError(", ".join(said.failed) or "there are no tests")
            elif said.ending:
                self._noticed(said.by)
                yield said
            else:
                anew.add((said.file, said.number))
        _import_all_but(self.files, self.record.imported)
        for file in _named(self.files, anew):
            self._unchanged(file)
            for mutant in mutants(file.read_text("utf-8")):
                if (str(file), mutant.number) in anew:
                    ending = self._anew(file, mutant)
                    self._noticed(ending.by)
                    yield ending

    def _with_tests(self, send: Send) -> None:
        """Collect the tests, then try what nothing remembers from importing them."""
        watch = _Watch(self.files)

        def loop(run: _Run, session: pytest.Session) -> None:
            sys.settrace(None)
            imported = list(sys.modules)
            at_warming: list[tuple[str, int]] = []

            def warm(tell: Send) -> None:
                warming = _Watch(self.files)
                sys.settrace(warming)
                self.warm()
                sys.settrace(None)
                self.record = self._recorded(session.items)
                self.record.imported = imported
                tell(self.record)
                called = watch.called | warming.called
                self._in_place(run, session.items, called, tell)

            for said in forked(warm):
                if isinstance(said, Record):
                    self.record = said
                elif not said.ending:
                    at_warming.append((said.file, said.number))
                    continue
                send(said)
            self.wanted = lambda file, mutant: (str(file), mutant.number) in at_warming
            self.files = _named(self.files, at_warming)
            self._in_place(run, session.items, watch.called, send)

        sys.settrace(watch)
        if ended := _pytest(self.tests, _Run(loop)):
            send(Record(failed=[f"pytest ended with {ended}"]))

    def _recorded(self, items: list[pytest.Item]) -> Record:
        """Run each test in a process of its own, so that none lives on another."""
        record = Record()
        for item in items:
            watch = _Watch(self.files)
            try:
                [said] = forked(partial(self._watched, item, watch))
            except (TooLongError, ValueError):
                record.left_out.append(item.nodeid)
                continue
            failed, seconds, lines = said
            if failed:
                record.failed.append(item.nodeid)
            if seconds > self.slowest:
                record.left_out.append(item.nodeid)
                continue
            record.seconds[item.nodeid] = seconds
            for line in lines:
                record.by_line.setdefault(line, set()).add(item.nodeid)
        return record

    def _watched(self, item: pytest.Item, watch: _Watch, send: Send) -> None:
        gc.freeze()
        run = _Run(lambda *_: None)
        item.config.pluginmanager.register(run)
        start = process_time()
        sys.settrace(watch)
        allow(self.slowest)
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        sys.settrace(None)
        send((bool(run.failed), process_time() - start, watch.lines))

    def _in_place(
        self, run: _Run, all_: list[pytest.Item], called: set[_Function], send: Send
    ) -> None:
        """Try the mutants within functions; send the others on without an ending."""
        items = {item.nodeid: item for item in all_}
        run.seconds = self.record.seconds
        everything = {file: _live(file) for file in self.files}
        # What is there already need not be looked through, and so copied, by each fork;
        # nor would it be found among the living any more.
        gc.freeze()
        for file in self.files:
            source = file.read_text("utf-8")
            old = compile(ast.parse(source), str(file), "exec")
            live = everything[file]
            for mutant in mutants(source):
                if not self.wanted(file, mutant):
                    continue
                new = compile(mutant.tree, str(file), "exec")
                codes = _changed(old, new)
                there = [_function(code) for code in codes or ()]
                if codes is None or any(
                    each in called or each not in live for each in there
                ):
                    send(Ending.of(file, mutant, ""))
                    continue
                names = self._tests_of(file, mutant, imported=False)
                tests = [items[name] for name in names]

                work = partial(_with_codes, run, tests, codes or [], live)
                ending = _ending(file, mutant, work if tests else None)
                self._noticed(ending.by)
                send(ending)

    def _anew(self, file: Path, mutant: Mutant) -> Ending:
        code = compile(mutant.tree, str(file), "exec")
        tests = self._tests_of(file, mutant, imported=True)
        work = partial(self._imported_anew, file, code, tests)
        return _ending(file, mutant, work if tests else None)

    def _unchanged(self, file: Path) -> None:
        """Try a file anew as it is: else whatever is wrong there kills each mutant.

        Raises:
            LookupError: a test fails; says which.
        """
        code = compile(file.read_text("utf-8"), str(file), "exec")
        lines = (line for line in self.record.by_line if line[0] == str(file))
        tests = self.record.tests_of(lines)
        work = partial(self._imported_anew, file, code, tests)
        if tests and (failed := "".join(forked(work))):
            raise LookupError(f"{failed}, when {file.name} is imported anew")

    def _imported_anew(
        self, file: Path, code: CodeType, tests: list[str], tell: Send
    ) -> None:
        """Import the project with a file's code; run tests, in this order."""
        order = {test: at for at, test in enumerate(tests)}

        def loop(run: _Run, session: pytest.Session) -> None:
            run.seconds = self.record.seconds
            chosen = [item for item in session.items if item.nodeid in order]
            run.run(sorted(chosen, key=lambda item: order[item.nodeid]))

        sys.meta_path.insert(0, _Instead(file, code))
        run = _Run(loop)
        allow(60)
        ended = _pytest(dict.fromkeys(test.partition("::")[0] for test in tests), run)
        tell(run.failed or ("import" if ended else ""))

    def _tests_of(self, file: Path, mutant: Mutant, *, imported: bool) -> list[str]:
        """Return the tests that run what is changed, or its module, fastest first.

        What is run at import has a say in all that uses the module.
        """
        place = mutant.place
        found: list[str] = []
        for lines in (place.statement, place.function):
            if place.function and not found:
                found = self.record.tests_of((str(file), line) for line in lines)
        if not found:
            # What is remembered from before is run by no test that is watched.
            lines_of = (line for line in self.record.by_line if line[0] == str(file))
            found = self.record.tests_of(lines_of)
        if imported:
            beside = {str(file), *map(str, _importers(file, self.files))}
            others = self.record.tests_of(
                line for line in self.record.by_line if line[0] in beside
            )
            found = list(dict.fromkeys((*found, *others)))
        return sorted(found, key=lambda test: test not in self.killers)

    def _noticed(self, test: str) -> None:
        """Remember a test: what one mutant was killed by often kills the next, too."""
        if test in self.record.seconds and test not in self.killers:
            self.killers.appendleft(test)


def _with_codes(
    run: _Run,
    tests: list[pytest.Item],
    codes: list[CodeType],
    live: _Live,
    send: Send,
) -> None:
    """Run tests with other code in the functions that are there."""
    for code in codes:
        for function in live[_function(code)]:
            function.__code__ = code
    send(run.run(tests))


def _named(files: list[Path], some: Iterable[tuple[str, int]]) -> list[Path]:
    """Return those of the files of which some mutant is named."""
    names = {name for name, _ in some}
    return [file for file in files if str(file) in names]


def _import_all_but(files: list[Path], names: list[str]) -> None:
    """Import what needs none of these files, once and not in each fork."""
    sys.meta_path.insert(0, none := _None(files))
    for name in names:
        # The tests are for pytest to import. What needs one of the files fails, and
        # some can only be imported by those that need them.
        if not name.startswith("tests."):
            with suppress(Exception):
                import_module(name)
    sys.meta_path.remove(none)


def _importers(file: Path, files: list[Path]) -> list[Path]:
    """Return the files that take names from a file, which may be constants."""
    name = _module(file)
    return [
        each
        for each in files
        if any(
            isinstance(node, ast.ImportFrom) and node.module == name
            for node in ast.walk(ast.parse(each.read_text("utf-8")))
        )
    ]


def _ending(file: Path, mutant: Mutant, work: Callable[[Send], None] | None) -> Ending:
    """Run a mutant's tests; without any it survives."""
    if work is None:
        return Ending.of(file, mutant, SURVIVED)
    try:
        said = list(forked(work))
    except TooLongError:
        return Ending.of(file, mutant, TIMED_OUT)
    except BrokenError:
        return Ending.of(file, mutant, KILLED, "pytest broke")
    if not said:
        return Ending.of(file, mutant, KILLED, "the process died")
    return Ending.of(file, mutant, KILLED if said[0] else SURVIVED, said[0])


def _changed(old: CodeType, new: CodeType) -> list[CodeType] | None:
    """Return the functions that differ; None when what runs at import does."""
    if old == new:
        return []
    if old.co_flags & inspect.CO_OPTIMIZED:
        return [new]
    if _own(old) != _own(new):
        return None
    found: list[CodeType] = []
    for one, other in zip(_inner(old), _inner(new), strict=True):
        deeper = _changed(one, other)
        if deeper is None:
            return None
        found += deeper
    return found


def _inner(code: CodeType) -> list[CodeType]:
    return [each for each in code.co_consts if isinstance(each, CodeType)]


def _own(code: CodeType) -> CodeType:
    """Return a code without what the functions in it do."""
    consts = (None if isinstance(one, CodeType) else one for one in code.co_consts)
    return code.replace(co_consts=tuple(consts))


def _function(code: CodeType) -> _Function:
    return code.co_filename, code.co_qualname, code.co_firstlineno


def _live(file: Path) -> _Live:
    """Return every function of a file that there is, wherever it is held.

    By changing its code all are changed that imported it by name. Two of one name in
    one line cannot be told apart, and are left out.
    """
    found: _Live = {}
    for one in gc.get_objects():
        if type(one) is FunctionType and one.__code__.co_filename == str(file):
            found.setdefault(_function(one.__code__), []).append(one)
    codes = Counter(
        name for name, all_ in found.items() for _ in {one.__code__ for one in all_}
    )
    return {name: all_ for name, all_ in found.items() if codes[name] == 1}


def _module(file: Path) -> str:
    parts = file.relative_to(Path.cwd()).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


class _None(MetaPathFinder):
    """Finds none of these modules, even where they are."""

    def __init__(self, files: list[Path]) -> None:
        self._names = {*map(_module, files)}

    def find_spec(self, name: str, *_: object) -> None:
        if name in self._names:
            raise ImportError(name)


class _Instead(MetaPathFinder):
    """Finds one module, with other code."""

    def __init__(self, file: Path, code: CodeType) -> None:
        self._file = file
        self._name = _module(file)
        self._code = code

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        if name != self._name:
            return None
        loader = _Loader(name, str(self._file))
        loader.code = self._code
        return spec_from_file_location(name, self._file, loader=loader)


class _Loader(SourceFileLoader):
    code: CodeType

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002
        return self.code
