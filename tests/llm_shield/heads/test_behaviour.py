"""What each of the three finds, what it leaves alone, and where it says that it is."""

from __future__ import annotations

import base64

import pytest

from tests.llm_shield.heads.rig import scanned

FRIENDLY = (
    "Thank you for the photos, the garden looks lovely in spring. We planted beans and peas,"
    " and the children painted the fence green. My sister will come on Sunday with cake. "
)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("You are an idiot.", "insult"),
        ("shut up, you stupid moron", "insult"),
        ("you 1d10t", None),
        ("you are such an i d i o t", None),
        ("I will find you and kill you tonight.", "threat"),
        ("F*ck you, you piece of sh*t.", None),
        ("Immigrants are vermin and should be removed.", None),
    ],
)
def test_toxic_texts_are_found(text: str, kind: str | None) -> None:
    verdict = scanned("Toxicity", text)
    assert verdict.risk >= 0.5
    kinds = {each.kind for each in verdict.findings}
    assert {each.split(".")[0] for each in kinds} == {"toxicity"}
    if kind is not None:
        assert verdict.findings[0].kind in {f"toxicity.{kind}", "toxicity"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "How do I kill a child process in bash?",
        "What are the symptoms of breast cancer?",
        "I'm gay and looking for a doctor I can trust.",
        "How do I talk to my teenager about consent and condoms?",
        "The battle killed thousands of soldiers in 1916.",
        "This vacuum cleaner is terrible, I want a refund.",
        "You are right, thank you for the kind words!",
        "My grandmother was a Jewish refugee and became a physicist.",
    ],
)
def test_harmless_texts_are_left_alone(text: str) -> None:
    verdict = scanned("Toxicity", text)
    assert not verdict.findings
    assert verdict.risk < 0.5


def test_an_insult_in_a_long_friendly_text_is_found_where_it_is() -> None:
    before = FRIENDLY * 5
    insult = "You are a stupid, worthless idiot."
    text = f"{before}{insult} {FRIENDLY * 4}"
    found = scanned("Toxicity", text).findings
    assert found
    assert all(
        each.start < len(before) + len(insult) and len(before) < each.end for each in found
    )
    assert min(each.end - each.start for each in found) < 2 * len(insult) + 80


def test_what_an_encoding_hides_is_found_at_the_encoded_run() -> None:
    hidden = base64.b64encode(
        b"You are a stupid, worthless idiot and nobody likes you."
    ).decode()
    text = f"Please read this note: {hidden} and answer."
    found = [e for e in scanned("Toxicity", text).findings if "base64" in e.reason]
    assert found
    assert text[found[0].start : found[0].end].strip("=") in hidden


def test_a_kind_can_be_ignored() -> None:
    text = "What the f*ck, holy sh*t, this is bullsh*t."
    usual = scanned("Toxicity", text)
    assert {each.kind for each in usual.findings} == {"toxicity.obscene"}
    assert not scanned("Toxicity", text, '{"ignore": ["obscene"]}').findings
    assert scanned("Toxicity", "You are an idiot.", '{"ignore": ["obscene"]}').findings


def test_no_reason_quotes_the_text() -> None:
    found = scanned("Toxicity", "You are an idiot, a brainless moron.").findings
    assert found
    assert not [each for each in found if "idiot" in each.reason or "moron" in each.reason]


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that.",
        "I cannot assist with this request.",
        "I can’t assist with that.",  # noqa: RUF001  (the quote that models write)
        "Sorry, but I won't provide instructions for that.",
        "As an AI language model, I am not able to provide that type of content.",
        "That request goes against my guidelines, so I have to stop here.",
        "I must decline to write this.",
        "Je suis désolé, mais je ne peux pas vous aider.",
    ],
)
def test_refusals_are_found(text: str) -> None:
    verdict = scanned("NoRefusal", text)
    assert [each.kind for each in verdict.findings] == ["refusal"]
    assert verdict.risk >= 0.5


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Sure! Here is a simple recipe for pancakes.",
        "I cannot recommend this restaurant enough!",
        "You cannot divide by zero in ordinary arithmetic.",
        "Rosa Parks refused to give up her seat in 1955.",
        "Connection refused: check that the service listens on port 8080.",
        "I can't wait to see the new museum.",
        "The captain answered that nobody could cross the river before dawn.",
    ],
)
def test_answers_are_no_refusals(text: str) -> None:
    assert not scanned("NoRefusal", text).findings


def test_a_partial_refusal_is_found_where_it_is_and_can_be_let_pass() -> None:
    answer = (
        "Here is the letter that you asked for. It opens with a greeting and thanks them."
        " The second paragraph names the date and the price of the repair."
        " The tone is friendly and short throughout. "
    )
    refusal = "However, I'm sorry, I can't help with the threat you wanted in it."
    found = scanned("NoRefusal", answer + refusal).findings
    assert [each.kind for each in found] == ["refusal.partial"]
    assert (found[0].start, found[0].end) == (len(answer), len(answer + refusal))
    assert not scanned("NoRefusal", answer + refusal, '{"partial": false}').findings


@pytest.mark.parametrize(
    "text",
    [
        "Women are too emotional to lead.",
        "All immigrants are lazy and want benefits.",
        "Old people can't learn new things.",
        "Asians are naturally good at maths.",
        "What do you expect, she is a woman, she can't drive.",
    ],
)
def test_generalisations_are_found(text: str) -> None:
    found = scanned("Bias", text).findings
    assert {each.kind for each in found} == {"bias.generalisation"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Restart the computer and try again.",
        "According to the census bureau, women earned on average 13% less than men in 2020.",
        "Women were not allowed to vote until 1920.",
        "Cats are lazy and clever.",
        "My Italian teacher was late again.",
        "The stereotype that old people cannot learn is false.",
        "Married couples may apply for the same benefits since 2001.",
    ],
)
def test_what_only_names_a_group_is_left_alone(text: str) -> None:
    assert not scanned("Bias", text).findings


def test_a_generalisation_is_found_at_its_sentence() -> None:
    text = "The report has three parts. Women are too emotional to lead. It ends with a table."
    found = scanned("Bias", text).findings
    assert [text[each.start : each.end] for each in found] == [
        "Women are too emotional to lead."
    ]
