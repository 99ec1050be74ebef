"""The measures of a trial, and the usual ones from other libraries."""

import importlib.util
import sys
from dataclasses import replace
from types import ModuleType, SimpleNamespace
from typing import Any, get_args

import pytest
from authors import a_trial
from hypothesis import given, settings
from hypothesis import strategies as st
from teaching_examples import OWN_TEXTS, a_lesson

from mlx_agent import names
from mlx_agent.differences import edit_distance
from mlx_agent.distance import distance
from mlx_agent.errors import ExtraMissing
from mlx_agent.evaluate.extras import Extra, available, mauve, score
from mlx_agent.evaluate.measures import MEASURES, measure
from mlx_agent.records import Rule

LESSON = a_lesson()
TRUTH = LESSON.own_text


def measured(text: str, **changes: Any) -> dict[str, float]:
    trial = replace(a_trial(LESSON, text), **changes)
    found = measure(trial, LESSON)
    assert [one.trial for one in found] == [trial.id] * len(MEASURES)
    return {one.name: one.value for one in found}


# --- ours --------------------------------------------------------------------------------------


def test_the_truth_is_no_distance_from_itself() -> None:
    """And its words are counted."""
    found = measured(TRUTH)
    assert tuple(found) == MEASURES == ("distance", "edit", "words", "unsupported", "uncovered")
    assert (found["distance"], found["edit"], found["words"]) == (0.0, 0.0, len(TRUTH.split()))


def test_a_draft_is_measured_as_by_the_gate() -> None:
    """Names masked; edits in words."""
    hidden = names.maskable(LESSON.x.metadata.sender, *LESSON.x.metadata.to)
    found = measured(OWN_TEXTS[2])
    assert found["distance"] == distance(OWN_TEXTS[2], TRUTH, hidden) > 0
    assert found["edit"] == edit_distance(OWN_TEXTS[2], TRUTH) > 0
    assert measured(TRUTH.replace("Tim", "Nora"))["distance"] == 0


def test_facts_that_nobody_gave_are_counted_once() -> None:
    """A price that stands there twice is one."""
    said = "The boat is ready on Friday. It is boat 1."
    assert measured(said)["unsupported"] == 0
    assert measured(f"{said} It costs 340 euros, yes, 340 euros.")["unsupported"] == 1


def test_a_rule_is_no_ground_for_a_fact() -> None:
    """It may have it from another mail."""
    rule = Rule(aspect="phrases", instruction='say "it costs 340 euros"')
    text = "The boat is ready on Friday. It is boat 1. It costs 340 euros."
    assert measured(text, rules=(rule,))["unsupported"] == 1


def test_points_that_are_left_out_are_counted() -> None:
    """Each bullet by itself."""
    assert measured("The boat is ready on Friday. It is boat 1.")["uncovered"] == 0
    assert measured("It is boat 1.")["uncovered"] == 1
    assert measured("Hello.")["uncovered"] == 2


# --- those of other libraries ------------------------------------------------------------------

PER_DRAFT: tuple[Extra, ...] = ("tf-idf", "bleu", "rouge-1", "rouge-l")
NEEDED = {
    "tf-idf": "sklearn",
    "bleu": "sacrebleu",
    "rouge-1": "rouge_score",
    "rouge-l": "rouge_score",
}
WORDS = st.lists(st.sampled_from("the boat is ready and you can bring keys".split()), min_size=4)


@pytest.fixture(params=PER_DRAFT)
def extra(request: pytest.FixtureRequest) -> Extra:
    pytest.importorskip(NEEDED[request.param])
    name: Extra = request.param
    return name


def test_the_same_text_scores_one_and_another_zero(extra: Extra) -> None:
    """The scores are in the drafts' order."""
    texts = ["the boat is ready now", "please bring all your old keys"]
    assert score(extra, texts, texts) == pytest.approx([1, 1])
    same, other = score(extra, [texts[0], texts[0]], texts)
    assert same == pytest.approx(1)
    assert other < 0.1
    assert score(extra, [], []) == []


def test_a_nearer_text_scores_higher(extra: Extra) -> None:
    """Between none and one."""
    truth = "the boat is ready on friday and you can bring the keys"
    near, far = score(
        extra, ["the boat is ready on friday", "the keys of a house in town are lost"], [truth] * 2
    )
    assert 0 <= far < near < 1


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_every_score_is_a_share(data: st.DataObject) -> None:
    """Of any texts."""
    drafts = data.draw(st.lists(WORDS.map(" ".join) | st.text(max_size=9), max_size=3))
    truths = data.draw(st.lists(WORDS.map(" ".join), min_size=len(drafts), max_size=len(drafts)))
    for name in PER_DRAFT:
        if name in available():
            assert all(0 <= one <= 1 + 1e-9 for one in score(name, drafts, truths))


def test_each_draft_has_one_truth(extra: Extra) -> None:
    """Others are a mistake of the caller's."""
    with pytest.raises(ValueError, match="one truth"):
        score(extra, ["a", "b"], ["a"])


def test_bleu_is_what_sacrebleu_says() -> None:
    """Divided by 100."""
    sacrebleu = pytest.importorskip("sacrebleu")
    draft, truth = "the boat is ready for you now", "the boat is ready now"
    expected = sacrebleu.sentence_bleu(draft, [truth], use_effective_order=True).score
    assert score("bleu", [draft], [truth]) == pytest.approx([expected / 100])


def test_those_whose_library_is_not_there_are_not_available() -> None:
    """Which ones depends on the machine."""
    modules = NEEDED | {"bertscore": "bert_score", "mauve": "mauve"}
    assert available() == tuple(
        name for name in get_args(Extra) if importlib.util.find_spec(modules[name])
    )


@pytest.mark.parametrize(
    ("name", "library", "needs"),
    [
        ("tf-idf", "scikit-learn", "eval"),
        ("bleu", "sacrebleu", "metrics"),
        ("rouge-l", "rouge-score", "metrics"),
        ("bertscore", "bert-score", "metrics"),
        ("mauve", "mauve-text", "metrics"),
    ],
)
def test_a_library_that_is_not_there_is_named(
    name: Extra, library: str, needs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what installs it."""
    roots = {"sklearn", "sacrebleu", "rouge_score", "bert_score", "mauve"}
    for module in [one for one in sys.modules if one.partition(".")[0] in roots]:
        monkeypatch.setitem(sys.modules, module, None)
    for root in roots:
        monkeypatch.setitem(sys.modules, root, None)
    with pytest.raises(ExtraMissing) as missing:
        score(name, ["a"], ["a"])
    assert (missing.value.package, missing.value.extra) == (library, needs)


# the documented signatures of the two whose models cannot be had here


def documented_bert_score(
    cands: list[str], refs: list[str], *, model_type: Any = None, num_layers: Any = None,
    verbose: bool = False, idf: bool = False, device: Any = None, batch_size: int = 64,
    nthreads: int = 4, all_layers: bool = False, lang: str | None = None,
    return_hash: bool = False, rescale_with_baseline: bool = False,
) -> tuple[list[float], list[float], list[float]]:  # fmt: skip
    """As in bert-score 0.3.13: (P, R, F), each of shape (N)."""
    assert isinstance(cands, list)
    assert isinstance(refs, list)
    assert lang is not None or model_type is not None
    return [0.1] * len(cands), [0.2] * len(cands), [0.3] * len(cands)


def documented_compute_mauve(
    *, p_features: Any = None, q_features: Any = None, p_tokens: Any = None, q_tokens: Any = None,
    p_text: list[str] | None = None, q_text: list[str] | None = None, num_buckets: Any = "auto",
    pca_max_data: int = -1, kmeans_explained_var: float = 0.9, kmeans_num_redo: int = 5,
    kmeans_max_iter: int = 500, featurize_model_name: str = "gpt2-large", device_id: int = -1,
    max_text_length: int = 1024, divergence_curve_discretization_size: int = 25,
    mauve_scaling_factor: float = 5, verbose: bool = False, seed: int = 25, batch_size: int = 1,
    use_float64: bool = False,
) -> SimpleNamespace:  # fmt: skip
    """As in mauve-text 0.4.0: P is what people wrote, Q the machine's."""
    assert (p_text, q_text) == (["truth"], ["draft"])
    return SimpleNamespace(mauve=0.7)


def test_bertscore_and_mauve_are_called_as_they_document_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Stand-ins with their signatures; with their models neither was run."""
    bert: Any = ModuleType("bert_score")
    bert.score = documented_bert_score
    monkeypatch.setitem(sys.modules, "bert_score", bert)
    assert score("bertscore", ["draft", "b"], ["truth", "c"]) == [0.3, 0.3]
    module: Any = ModuleType("mauve")
    module.compute_mauve = documented_compute_mauve
    monkeypatch.setitem(sys.modules, "mauve", module)
    assert mauve(["draft"], ["truth"]) == 0.7
    assert score("mauve", ["draft"], ["truth"]) == [0.7]
