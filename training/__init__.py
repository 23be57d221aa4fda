"""How our own heads are trained: ``python -m training prompt_injection``.

Nothing of this is installed. It reads data from packages (``corpora``), takes out of the
training data what is in a test split (``splits``), embeds with the encoder that the shield uses
(``embed``), fits (``fit``) and writes a head and its card (``cards``). ``README.md`` says how.
"""
