"""Who may import whom. The table is the architecture; this test keeps it true."""
from __future__ import annotations

import ast
from pathlib import Path
from typing import Iterator

import pytest

ROOT = Path(__file__).resolve().parent.parent

FOUNDATION = {f"ocs.{name}" for name in (
    "certificates", "clock", "errors", "frozen", "http_server", "interfaces", "log", "numbered", "options", "passwords",
    "runtime", "tls")}

# layer -> the layers that it may import, beside itself and the foundation
LAYERS: dict[str, set[str]] = {
    "protocols": set(),
    "ocs.dialing": set(),
    "ocs.database": set(),
    "ocs.links": {"ocs.dialing", "protocols"},
    "ocs.scheduler": {"ocs.dialing"},
    "ocs.store": {"ocs.database", "ocs.dialing"},
    "ocs.configuration": {"ocs.database", "ocs.dialing"},
    "ocs.desktop": {"ocs.dialing", "ocs.scheduler", "protocols"},
    "ocs.servers.icon": {"ocs.database", "ocs.servers", "protocols"},
    "ocs.servers": {"protocols"},
    "ocs.lab": {"protocols", "ocs.servers"},
    "ocs.simulation": {"protocols", "ocs.dialing", "ocs.links", "ocs.scheduler", "ocs.store", "ocs.desktop", "ocs.servers",
                       "ocs.lab"},
    "ocs.app": {"ocs.configuration", "ocs.database", "ocs.dialing", "ocs.links", "ocs.scheduler", "ocs.store", "ocs.desktop",
                "ocs.servers", "ocs.servers.icon", "ocs.lab", "ocs.simulation", "protocols"},
}

# modules of another layer that a layer may use although it may not use the layer
SINGLE: dict[str, set[str]] = {
    "ocs.servers": {"ocs.links.options", "ocs.links.registry", "ocs.links.service"},    # companions are clients of others, too
}

# modules that are parts of a shared vocabulary: key-value lists and error trees are values, not wire formats
VOCABULARY = {"protocols.attributes", "protocols.errors"}

# top-level packages that a layer must not know
FORBIDDEN: dict[str, set[str]] = {
    "protocols": {"sqlalchemy", "alembic", "click", "rich"},
    "ocs.dialing": {"twisted", "zope", "sqlalchemy", "alembic", "socket", "time", "msgspec", "click", "rich"},
    "ocs.links": {"sqlalchemy", "alembic"},
    "ocs.scheduler": {"sqlalchemy", "alembic", "msgspec", "socket"},
    "ocs.database": {"msgspec", "socket"},
    "ocs.store": {"msgspec", "socket"},
    "ocs.configuration": {"msgspec", "socket", "click", "rich"},
    "ocs.desktop": {"sqlalchemy", "alembic", "socket"},
    "ocs.servers.icon": set(),      # it keeps a database
    "ocs.servers": {"sqlalchemy", "alembic"},
    "ocs.lab": {"sqlalchemy", "alembic"},
    "ocs.simulation": {"sqlalchemy", "alembic", "msgspec", "socket", "time", "click", "rich"},
    "ocs.app": set(),
}

# modules that write values into a file of their own: what is forbidden to their layer as a wire format, they may use for it
FILES: dict[str, set[str]] = {"ocs.store.change_spool": {"msgspec"}}

WIRE_WITHOUT_TWISTED = ("messages", "codec", "conversation", "framing", "attributes", "errors", "keepalive")


def modules() -> list[str]:
    found = []
    for top in ("protocols", "ocs"):
        for path in sorted((ROOT / top).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return found


def source(module: str) -> Path:
    path = ROOT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def imports(module: str) -> Iterator[str]:
    """Every module (or name in a module) that `module` imports, wherever in the file."""
    tree = ast.parse(source(module).read_text(encoding="utf-8"))
    package = module if source(module).name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[:len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, base] if base else parents)
            yield from (f"{base}.{alias.name}" for alias in node.names)


def layer(module: str) -> str | None:
    return next((name for name in LAYERS if module == name or module.startswith(name + ".")), None)


def foreign(module: str) -> Iterator[str]:
    """What `module` imports although its layer may not."""
    own = layer(module)
    if own is None:
        return
    for name in imports(module):
        top = name.split(".")[0]
        if top in FORBIDDEN[own] - FILES.get(module, set()):
            yield name
        elif top in ("ocs", "protocols"):
            allowed = LAYERS[own] | {own}
            known = FOUNDATION | VOCABULARY | SINGLE.get(own, set())
            shared = any(name == one or name.startswith(one + ".") for one in known)
            if layer(name) not in allowed and not shared and name not in ("ocs", "ocs.dialing", "protocols"):
                yield name


@pytest.mark.parametrize("module", modules())
def test_a_module_imports_only_what_its_layer_may_know(module: str) -> None:
    assert list(foreign(module)) == []


@pytest.mark.parametrize("module", [name for name in modules() if not name.startswith("ocs.app")
                                    and not (name.startswith("ocs.servers.") and name.endswith(".tap"))])
def test_only_the_application_and_the_entry_points_of_companions_import_the_global_reactor(module: str) -> None:
    assert [name for name in imports(module) if name == "twisted.internet.reactor"] == []


@pytest.mark.parametrize("module", [name for name in modules() if name.startswith("protocols.")
                                    and name.rpartition(".")[2] in WIRE_WITHOUT_TWISTED])
def test_codecs_and_conversations_know_no_twisted(module: str) -> None:
    assert [name for name in imports(module) if name.split(".")[0] in ("twisted", "time", "socket")] == []


@pytest.mark.parametrize("module", sorted(FOUNDATION | {name for name in modules() if name.startswith("ocs.interfaces.")}))
def test_foundation_modules_know_only_each_other_and_the_domain_values(module: str) -> None:
    if not source(module).exists():
        pytest.skip(f"{module} does not exist")
    known = FOUNDATION | VOCABULARY | {f"ocs.dialing.{name}" for name in (
        "agent", "campaign", "compliance", "filtering", "peering", "results", "values")}
    strange = [name for name in imports(module) if name.split(".")[0] in ("ocs", "protocols")
               and not any(name == one or name.startswith(one + ".") for one in known)]
    assert strange == []


def test_the_dropin_folders_have_no_init_so_that_they_join_twisteds_own() -> None:
    assert not (ROOT / "twisted" / "__init__.py").exists()
    assert not (ROOT / "twisted" / "plugins" / "__init__.py").exists()


def test_every_init_of_the_packages_holds_a_docstring() -> None:
    silent = [module for module in modules() if source(module).name == "__init__.py"
              and ast.get_docstring(ast.parse(source(module).read_text(encoding="utf-8"))) is None]
    assert silent == []
