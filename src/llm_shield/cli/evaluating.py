"""``shield eval``."""

from __future__ import annotations

import click

from llm_shield.cli.console import Console
from llm_shield.cli.options import output_option


@click.command()
@click.argument("corpus", metavar="[CORPUS|FILE]", required=False)
@click.option("--scanner", metavar="NAME", help="The scanner; a named corpus has its own.")
@click.option("--config", metavar="FILE", help="A settings file, for how the scanner is set.")
@output_option("markdown")
@click.pass_obj
def command(
    console: Console,
    corpus: str | None,
    scanner: str | None,
    config: str | None,
    output: str,
) -> int:
    """Measure a scanner on texts whose answer is known: recall, precision, false positives.

    CORPUS is one of those that come along (without it they are listed), FILE is JSONL, one
    {"text": "...", "flagged": true} a line, or CSV with these columns.
    """
    import asyncio

    from llm_shield.evaluation import corpus as corpora
    from llm_shield.evaluation import report
    from llm_shield.evaluation.run import evaluate

    if corpus is None:
        found = [corpora.named(name) for name in corpora.names()]
        if output == "json":
            console.document([report.described(one) for one in found])
        else:
            console.text(report.listing(found))
        return 0
    one = corpora.of(corpus)
    name = scanner or one.scanner
    if not name:
        raise click.UsageError("a file does not say for which scanner it is: --scanner NAME")
    evaluation = asyncio.run(evaluate(one, name, config=config))
    if output == "json":
        console.document(report.document(evaluation))
    elif output == "markdown":
        console.text(report.markdown([evaluation]))
    else:
        console.text(report.text(evaluation))
    return 0
