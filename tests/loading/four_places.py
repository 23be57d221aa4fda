"""Four places for a secret, as the guide has them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import skykeep
from skykeep.interfaces.secret_driver import Attributes
from skykeep.interfaces.secret_value import SecretValue
from skykeep.loading.loader import Loaded, SecretLoader
from skykeep.providers.memory.secrets import MemorySecrets, share

KEYS = "llm-shield/api-keys"
SOURCES = ("cloud", "mounted", "environment", "local")
CANARY = "canary-91c2aa"

ORDER = """
production:
  primary: {{backend: memory, store: {store}, name: cloud}}
  retry: {{attempts: 1}}
  {more}
loading:
  {settings}
  sources:
    - backend: files
      path: {root}/run/secrets
      files: {{llm-shield/api-keys: api_keys}}
    - backend: env
      variables: {{llm-shield/api-keys: LLM_SHIELD_API_KEYS}}
    - backend: files
      name: development
      path: {root}/secrets
      files: {{llm-shield/api-keys: api_keys.txt}}
"""


class Places:
    """Four places for a secret, and a loader that asks them in order."""

    def __init__(self, root: Path, stack: AsyncExitStack) -> None:
        self.root = root
        self.driver = MemorySecrets()
        self.environ: dict[str, str] = {"HOME": str(root)}
        self.now = 100.0
        self._stack = stack

    async def keep(self, source: str, text: str) -> None:
        if source == "cloud":
            await self.driver.create(KEYS, SecretValue(text), Attributes())
        elif source == "environment":
            self.environ["LLM_SHIELD_API_KEYS"] = text
        else:
            path = {"mounted": "run/secrets/api_keys", "local": "secrets/api_keys.txt"}[source]
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_text(text)

    async def loader(
        self, settings: str = "pass_over: [unavailable, throttled]", more: str = ""
    ) -> SecretLoader:
        config = self.root / "skykeep.yaml"
        store = self.root.name
        config.write_text(
            ORDER.format(root=self.root, store=store, settings=settings, more=more)
        )
        share(store, self.driver)
        cloud = await self._stack.enter_async_context(
            skykeep.open(config=config, environ=self.environ)
        )
        return await self._stack.enter_async_context(
            SecretLoader(cloud, clock=lambda: self.now)
        )


Make = Callable[[AsyncExitStack], Places]


def told(loaded: Loaded) -> tuple[str, str, list[str]]:
    """The value, its source, the sources that were passed by."""
    where = loaded.secret.provenance
    assert where is not None
    return loaded.secret.value.text(), where.source, [miss.source for miss in loaded.misses]


TARGETS = {
    "cloud": "cloud (memory)",
    "mounted": "source 2 (files)",
    "environment": "source 3 (env)",
    "local": "development (files)",
}
