"""Python files of the user's that register variants or datasets. They are code of the user's and are run as such."""

from __future__ import annotations

import hashlib
import io
import linecache
import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from types import ModuleType
from typing import TextIO, cast

from harness.errors import UserError
from harness.plugins.isolation import foreign_code
from harness.plugins.source import imported_names, loaded_texts

PREFIX = "harness_plugin_"

_paths: dict[str, Path] = {}  # of the plugins that are loaded, by module
_loading: list[str] = []  # the modules that are being imported now, the innermost last
_in_reserve: list[tuple[Path, bytes | None]] = []


def load_plugin(path: Path, text: bytes | None = None) -> None:
    """Import a plugin. What it changes of the process is put back, see `harness.plugins.isolation`.

    What it prints goes to standard error.

    Arguments:
        text: what the file said when somebody else has read it, who is to be followed; else what it says now.

    Raises:
        UserError: there is no such file, it fails when it is imported, or it leaves the program.
    """
    path = path.resolve()
    if text is None and not path.is_file():
        raise UserError(f"there is no plugin file {path}; name a Python file that registers a variant.")
    name = f"{PREFIX}{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    if name in sys.modules:
        return
    if path.suffix != ".py":
        raise UserError(f"the plugin {path} is not a Python file; name one that ends in .py.")
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name], _paths[name] = module, path
    try:
        loaded_texts[path] = path.read_bytes() if text is None else text
        _import(module, path)
    except BaseException:
        del sys.modules[name], _paths[name]
        raise


def _import(module: ModuleType, path: Path) -> None:
    errors = _Held(sys.stderr)
    try:
        with foreign_code(), _as_a_program(path, cast(TextIO, errors)), loading(module.__name__):
            _execute(module, path, errors)
            _check_helpers(path)
    finally:
        errors.release()


def _execute(module: ModuleType, path: Path, errors: _Held) -> None:
    try:
        # Compiled from the text itself: bytecode beside it may be of another text with the same size and second.
        text = loaded_texts[path]
        lines = text.decode(errors="replace").splitlines(keepends=True)
        linecache.cache[str(path)] = (len(text), None, lines, str(path))  # for who asks for the source of a function
        exec(compile(text, str(path), "exec", dont_inherit=True), module.__dict__)
    except SystemExit as left:
        said = errors.take() if left.code not in (None, 0) else ""
        told = "; ".join([f"sys.exit({left.code!r})", *said.strip().splitlines()[-1:]])
        raise UserError(
            f"the plugin {path} leaves the program when it is imported ({told}); put what it does as a program under "
            f"if __name__ == '__main__'."
        ) from None
    except (UserError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise UserError(
            f"the plugin {path} fails when it is imported ({type(error).__name__}: {error}); mend it first."
        ) from error


def _check_helpers(path: Path) -> None:
    """See that what a plugin has imported from beside it is not what another one has beside it under the same name.

    Raises:
        UserError: it is.
    """
    others = {other.parent for other in _paths.values()} - {path.parent}
    for name in imported_names(path):
        mine = [path.parent / f"{name}.py", path.parent / name / "__init__.py"]
        file = getattr(sys.modules.get(name), "__file__", None)
        if file and any(each.is_file() for each in mine) and others & set(Path(file).resolve().parents):
            raise UserError(
                f"the plugin {path} has a module '{name}' beside it, and another plugin has loaded {file} under that "
                f"name; rename one of them."
            )


class _Held(io.TextIOBase):
    """A stream that holds back what is written to it until it is released, and passes it on from then on."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._held, self._is_released = stream, "", False

    def write(self, text: str) -> int:
        """See `io.TextIOBase`."""
        if self._is_released:
            return self._stream.write(text)
        self._held += text
        return len(text)

    def take(self) -> str:
        """What was held back; it is not passed on."""
        taken, self._held = self._held, ""
        return taken

    def release(self) -> None:
        """Pass on what is held back."""
        self._is_released = True
        if self._held:
            self._stream.write(self.take())


@contextmanager
def _as_a_program(path: Path, errors: TextIO) -> Iterator[None]:
    """The arguments are not for the plugin. Helpers leave no bytecode, which may outlive a change of theirs."""
    sys.argv[:] = [str(path)]
    sys.dont_write_bytecode = True
    with redirect_stderr(errors):
        yield


@contextmanager
def loading(module: str) -> Iterator[None]:
    """What is registered inside is known to come from a module."""
    _loading.append(module)
    try:
        yield
    finally:
        _loading.pop()


def being_loaded() -> str:
    """The plugin's module that is being imported, or nothing."""
    return _loading[-1] if _loading else ""


def path_of(module: str) -> Path | None:
    """The file of a plugin's module that is loaded."""
    return _paths.get(module)


def texts_of(plugins: Iterable[Path]) -> dict[Path, bytes]:
    """What the files of plugins said when they were loaded here."""
    return {path: loaded_texts[path] for path in plugins if path in loaded_texts}


def needed(plugins: Iterable[Path], modules: Collection[str]) -> tuple[list[Path], list[Path]]:
    """The plugins, given by whole paths, that some modules are, and the others."""
    wanted = {_paths[module] for module in modules if module in _paths}
    paths = list(plugins)
    return [path for path in paths if path in wanted], [path for path in paths if path not in wanted]


def keep_in_reserve(plugins: Iterable[tuple[Path, bytes | None]]) -> None:
    """Plugins, with their texts, that are loaded if a name is asked for that nobody knows else."""
    _in_reserve[:] = plugins


def load_reserve() -> bool:
    """Load what was kept in reserve; whether there was anything."""
    waiting, _in_reserve[:] = list(_in_reserve), []
    for path, text in waiting:
        load_plugin(path, text)
    return bool(waiting)
