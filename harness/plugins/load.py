"""Import plugins: Python files of the user that register variants, datasets or analyses."""

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
from harness.plugins.foreign_code import foreign_code
from harness.plugins.source import imported_names, loaded_texts

PREFIX = "harness_plugin_"

_paths: dict[str, Path] = {}  # of the plugins that are loaded, by module
_loading: list[str] = []  # the modules that are being imported now, the innermost last
_fallback: list[tuple[Path, bytes | None]] = []  # plugins to load when an unknown name is looked up


def load_plugin(path: Path, text: bytes | None = None) -> None:
    """Import a plugin in isolation (see `harness.plugins.foreign_code`), with its output on standard error.

    Arguments:
        text: the content to run instead of the file's, as another process has read it.

    Raises:
        UserError: there is no such file, it raises when it is imported, or it exits.
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
    errors = _BufferedStream(sys.stderr)
    try:
        with foreign_code(), _as_a_program(path, cast(TextIO, errors)), loading(module.__name__):
            _execute(module, path, errors)
            _check_helpers(path)
    finally:
        errors.release()


def _execute(module: ModuleType, path: Path, errors: _BufferedStream) -> None:
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
            f"the plugin {path} fails when it is imported ({type(error).__name__}: {error}); fix it first."
        ) from error


def _check_helpers(path: Path) -> None:
    """Check that helper modules of two plugins, in different folders, do not have the same name.

    Raises:
        UserError: they do.
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


class _BufferedStream(io.TextIOBase):
    """A stream that buffers what is written to it until it is released, and passes it on from then on."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._held, self._is_released = stream, "", False

    def write(self, text: str) -> int:
        """See `io.TextIOBase`."""
        if self._is_released:
            return self._stream.write(text)
        self._held += text
        return len(text)

    def take(self) -> str:
        """Remove and return the buffered text."""
        taken, self._held = self._held, ""
        return taken

    def release(self) -> None:
        """Pass on the buffered text, and all that follows."""
        self._is_released = True
        if self._held:
            self._stream.write(self.take())


@contextmanager
def _as_a_program(path: Path, errors: TextIO) -> Iterator[None]:
    """Hide the command's arguments, and write no bytecode of helper modules, which could be used after an edit."""
    sys.argv[:] = [str(path)]
    sys.dont_write_bytecode = True
    with redirect_stderr(errors):
        yield


@contextmanager
def loading(module: str) -> Iterator[None]:
    """Attribute what is registered inside to a module."""
    _loading.append(module)
    try:
        yield
    finally:
        _loading.pop()


def plugin_being_loaded() -> str:
    """Return the name of the plugin's module that is being imported; empty if none is."""
    return _loading[-1] if _loading else ""


def path_of(module: str) -> Path | None:
    """Return the file of a loaded plugin's module; None if the module is no plugin."""
    return _paths.get(module)


def texts_when_loaded(plugins: Iterable[Path]) -> dict[Path, bytes]:
    """Return the content of plugins as it was when they were loaded in this process."""
    return {path: loaded_texts[path] for path in plugins if path in loaded_texts}


def split_by_need(plugins: Iterable[Path], modules: Collection[str]) -> tuple[list[Path], list[Path]]:
    """Split plugins, given by absolute paths, into those that some modules come from and the others."""
    wanted = {_paths[module] for module in modules if module in _paths}
    paths = list(plugins)
    return [path for path in paths if path in wanted], [path for path in paths if path not in wanted]


def set_fallback_plugins(plugins: Iterable[tuple[Path, bytes | None]]) -> None:
    """Set the plugins, with their texts, that are loaded when an unknown name is looked up."""
    _fallback[:] = plugins


def load_fallback_plugins() -> bool:
    """Load the fallback plugins; return whether there were any."""
    waiting, _fallback[:] = list(_fallback), []
    for path, text in waiting:
        load_plugin(path, text)
    return bool(waiting)
