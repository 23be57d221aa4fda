"""One name for each language of code, as ``magika`` has it, and those that are no code."""

from __future__ import annotations

_NAMES = {
    "python": "py python3 ipython pycon",
    "javascript": "js jsx node mjs",
    "typescript": "ts tsx",
    "shell": "sh bash zsh console shellscript shell-session terminal fish",
    "cpp": "c++ cc cxx hpp",
    "c": "h",
    "cs": "c# csharp",
    "fsharp": "f#",
    "go": "golang",
    "ruby": "rb",
    "rust": "rs",
    "kotlin": "kt",
    "haskell": "hs",
    "perl": "pl",
    "powershell": "ps1 pwsh ps",
    "batch": "bat cmd dos",
    "objectivec": "objc objective-c",
    "vba": "vb",
    "yaml": "yml",
    "html": "htm",
    "sql": "mysql postgresql psql sqlite tsql plsql",
    "latex": "tex",
    "markdown": "md",
    "txt": "text plain plaintext none output",
    "json": "jsonc json5",
    "dockerfile": "docker",
    "makefile": "make",
    "hcl": "terraform tf",
    "asm": "asm86 nasm assembly",
}
ALIASES = {name: one for one, names in _NAMES.items() for name in names.split()}
"""Names of languages, as people write them, to one for each."""

_NOT_CODE = """
txt markdown rst json jsonl yaml toml ini csv tsv xml svg html css scss diff log latex bib
po srt vtt unknown empty ignorefile gitattributes sum m3u eml crt pem handlebars undefined
randomtxt
"""
NOT_CODE = frozenset(_NOT_CODE.split())
"""Data, markup and prose: no code unless a setting names them."""


def named(tag: str) -> str:
    """One name for a language that may be called by several."""
    lower = tag.lower()
    return ALIASES.get(lower, lower)
