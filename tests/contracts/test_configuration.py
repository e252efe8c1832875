"""What every provider of `IConfiguration` must do: the same tables in a file, in SQLite, in PostgreSQL."""
from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Iterator

import pytest
import tomli_w
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from ocs.app.config import OCSOptions, load_configuration, to_campaign_groups
from ocs.app.sources import DatabaseConfiguration, FileConfiguration, make_configuration
from ocs.app.tidings import Tidings
from ocs.database.backend import backend_for
from ocs.database.pool import Database
from ocs.errors import ConfigurationError
from ocs.interfaces import IConfiguration
from ocs.options import load
from tests.app.test_config import GOOD
from tests.contracts.stores import result
from tests.doubles.configurations import configuration_database, empty_configuration, imported  # noqa: F401
from tests.store.threads import InlineReactor, InlineThreads

OWN = '[service]\nready_file = "ready"\n'       # what only the server's file says


class Site:
    """A server's configuration, and whoever edits it. `edit` makes the tables of GOOD, changed, the configuration."""

    def __init__(self, folder: Path, url: str | None) -> None:
        self.file, self.url, self.clock, self.told = folder / "ocs.toml", url, Clock(), 0
        if url is None:
            self.write(GOOD)
            self.provider: Any = FileConfiguration(self.file, maybeDeferred)
        else:
            self.file.write_text(f'{OWN}[configuration]\nsource = "database"\nurl = "{url}"\n')
            self.write(GOOD)
            own = load_configuration(self.file)
            database = Database(InlineReactor(), backend_for(url), readers=1, threads=InlineThreads)
            self.provider = DatabaseConfiguration(self.file, own, self.clock, maybeDeferred, Quiet(), database)     # type: ignore
        self.provider.add_listener(self.tell)

    def tell(self) -> None:
        self.told += 1

    def write(self, text: str) -> None:
        if self.url is None:
            self.file.write_text(OWN + text)
        else:
            imported(self.url, text)

    def edit(self, old: str, new: str) -> None:
        assert old in GOOD
        self.write(GOOD.replace(old, new))

    def spoil(self) -> str:
        """A fault that gets past whoever edits; the words that tell of it."""
        if self.url is None:
            self.edit("maximum_attempts = 4", "maximum_attempts = 0")
            return "calling_list[1].maximum_attempts: 1 to 10000 is expected, not 0"
        from ocs.database.backend import transaction
        with transaction(backend_for(self.url)) as work:
            work.cursor.execute("UPDATE cfg_calling_list SET max_attempts = 0")
        return "calling_list[spring].maximum_attempts: 1 to 10000 is expected, not 0"

    def read(self) -> OCSOptions:
        options: OCSOptions = result(self.provider.read())
        return options


class Quiet(Tidings):
    """A database that tells nothing by itself."""

    def __init__(self) -> None:
        pass

    def listen(self, *args: Any) -> Any:
        return lambda: False


@pytest.fixture(params=["file", "sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    if request.param == "file":
        yield Site(tmp_path, None)
        return
    one = Site(tmp_path, empty_configuration(request, request.param, tmp_path))
    yield one
    stopped = one.provider.stop()
    assert stopped is None or stopped.called
    assert one.clock.getDelayedCalls() == []


def test_it_is_a_configuration(site: Site) -> None:
    assert verifyObject(IConfiguration, site.provider)
    assert site.provider.origin and site.provider.trouble == ""


def test_nothing_is_known_before_it_is_read(site: Site) -> None:
    assert site.provider.campaign_groups() == {} and site.provider.calling_lists() == {}


def test_what_is_read_is_the_servers_own_options_and_the_objects(site: Site) -> None:
    options = site.read()
    assert options.service.ready_file == "ready"
    own = load(OCSOptions, tomllib.loads(GOOD))
    assert to_campaign_groups(options) == to_campaign_groups(own) == site.provider.campaign_groups()
    [spring] = site.provider.calling_lists().values()
    assert (spring.name, spring.dbid, spring.maximum_attempts) == ("spring", 7, 4)


def test_reading_again_gives_the_same_until_somebody_changes_it(site: Site) -> None:
    first = site.read()
    assert site.read() == first
    site.edit("interval_min = 10", "interval_min = 15")
    [group] = site.provider.campaign_groups().values()
    assert group.lists[0].treatments[0].interval_s == 600.0         # what was read last
    assert site.read() != first
    [group] = site.provider.campaign_groups().values()
    assert group.lists[0].treatments[0].interval_s == 900.0


def test_one_with_a_fault_is_refused_and_what_was_read_before_stays(site: Site) -> None:
    site.read()
    before = site.provider.campaign_groups()
    words = site.spoil()
    with pytest.raises(ConfigurationError) as caught:
        site.read()
    assert len(caught.value.problems) == 1 and caught.value.problems[0].endswith(words)
    assert site.provider.campaign_groups() == before


def test_a_fault_that_others_find_is_told_with_the_place(site: Site) -> None:
    site.read()
    told = site.provider.told("calling_list[1].criteria: no column 'age'")
    assert told == (f"{site.file}: calling_list[1].criteria: no column 'age'" if site.url is None
                    else "calling_list[spring].criteria: no column 'age'")


def test_a_file_that_is_not_there_is_a_fault_of_the_configuration(site: Site) -> None:
    site.file.unlink()
    with pytest.raises(ConfigurationError, match="No such file"):
        site.read()


def test_listeners_are_told_of_changes_that_can_be_seen(site: Site) -> None:
    site.provider.start()
    site.clock.advance(0)
    told = site.told
    assert told == (0 if site.url is None else 1)
    site.clock.advance(1.0)
    assert site.told == told
    site.edit("interval_min = 10", "interval_min = 15")
    site.clock.advance(1.0)
    assert site.told == told + (site.url is not None)


# -- the database alone --------------------------------------------------------------------------------------------
@pytest.fixture
def beside(configuration_database: str, tmp_path: Path) -> Site:    # noqa: F811
    return Site(tmp_path, configuration_database)


def test_the_file_of_a_server_that_works_with_the_database_has_no_objects(beside: Site) -> None:
    beside.file.write_text(beside.file.read_text() + "[dialing]\npacing_tick_s = 2\n" + GOOD)
    with pytest.raises(ConfigurationError) as caught:
        beside.read()
    assert [problem.partition(": ")[2].partition(":")[0] for problem in caught.value.problems] == [
        "treatment", "calling_list", "agent_group", "campaign", "campaign_group", "dialing"]


def test_the_application_of_the_file_is_that_of_the_database(beside: Site) -> None:
    text = beside.file.read_text()
    beside.file.write_text(text + '[application]\nname = "ocs"\ndbid = 7\n')
    with pytest.raises(ConfigurationError, match="application.dbid: 7, but application ocs of the configuration database has 1"):
        beside.read()
    beside.file.write_text(text + '[application]\nname = "west"\n')
    with pytest.raises(ConfigurationError, match="application west is not in the configuration database"):
        beside.read()


def test_what_the_file_says_of_campaign_groups_is_checked_against_the_database(beside: Site) -> None:
    rule = '[[pre_dial_validation]]\nuri = "http://127.0.0.1/"\ncampaign_groups = ["{}"]\n'
    text = beside.file.read_text()
    beside.file.write_text(text + rule.format("renewals@outbound"))
    assert beside.read().pre_dial_validation[0].campaign_groups == ("renewals@outbound",)
    beside.file.write_text(text + rule.format("summer@outbound"))
    with pytest.raises(ConfigurationError, match="there is no summer@outbound"):
        beside.read()


def test_a_database_that_is_away_is_a_fault_of_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "ocs.toml").write_text('[configuration]\nsource = "database"\nurl = "postgresql://ocs@127.0.0.1:1/none"\n')
    with pytest.raises(ConfigurationError, match="configuration database: PostgreSQL database none on 127.0.0.1"):
        result(FileConfiguration(tmp_path / "ocs.toml", maybeDeferred).read())


def test_a_server_makes_the_provider_that_its_file_names(tmp_path: Path) -> None:
    (tmp_path / "ocs.toml").write_text(tomli_w.dumps({"configuration": {"source": "database"}}))

    def provider(options: OCSOptions) -> Any:
        return make_configuration(tmp_path / "ocs.toml", options, Clock(), maybeDeferred, Quiet())

    assert isinstance(provider(load_configuration(tmp_path / "ocs.toml")), DatabaseConfiguration)
    assert isinstance(provider(OCSOptions()), FileConfiguration)


def test_a_provider_stops_while_it_asks(beside: Site) -> None:
    held: Deferred[Any] = Deferred()
    beside.provider.feed._read = lambda interaction: held
    beside.provider.start()
    beside.clock.advance(0)
    stopped = beside.provider.stop()
    assert stopped is not None and not stopped.called
    held.callback(5)
    assert stopped.called and beside.told == 0
