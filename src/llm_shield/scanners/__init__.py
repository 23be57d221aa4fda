"""The scanners, one file each; imported when a configuration names them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from llm_shield.scanner import Scanner

HOMES = {
    # prompts
    "PromptInjection": "prompt_injection",
    "Toxicity": "toxicity",
    "Secrets": "secrets",
    "BanCode": "ban_code",
    "InvisibleText": "invisible_text",
    "Gibberish": "gibberish",
    "Language": "language",
    "BanCompetitors": "ban_competitors",
    "Sentiment": "sentiment",
    "BanSubstrings": "ban_substrings",
    "TokenLimit": "token_limit",
    "Regex": "regex",
    # answers
    "NoRefusal": "no_refusal",
    "Relevance": "relevance",
    "Sensitive": "sensitive",
    "BanTopics": "ban_topics",
    "Bias": "bias",
    "MaliciousURLs": "malicious_urls",
    "ReadingTime": "reading_time",
    "Factuality": "factuality",
    "URLReachability": "url_reachability",
    "RegexOutput": "regex_output",
}
"""The module of each scanner."""


def scanner_class(name: str) -> type[Scanner[Any]]:
    """The scanner of this name. Raises ``KeyError``."""
    module = import_module(f"llm_shield.scanners.{HOMES[name]}")
    found: type[Scanner[Any]] = getattr(module, name)
    return found
