"""Similarity of drafts to the truth by the usual measures, from their kept libraries.

They look at words and meaning, which a draft has from the intent, so that they say little about a
manner; they are here because papers report them. Each is loaded when it is asked for, and only
`available` ones can be: ExtraMissing names what to install.

    tf-idf      cosine of the words' TF-IDF vectors, over all drafts and truths     scikit-learn
    bleu        sentence BLEU, short texts by their longest n-gram, divided by 100  sacrebleu
    rouge-1, rouge-l    F1, English words stemmed                                   rouge-score
    bertscore   F1, with the language's default model                               bert-score
    mauve       one figure for all drafts, see `mauve`                              mauve-text

bert-score and mauve-text download a model of their own when they are first used. What is called of
these two follows their documentation (0.3.13 and 0.4.0); with their models it has not been run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Literal, get_args

from mlx_agent.errors import extra_needed

Extra = Literal["tf-idf", "bleu", "rouge-1", "rouge-l", "bertscore", "mauve"]
_MODULES: dict[Extra, str] = {
    "tf-idf": "sklearn",
    "bleu": "sacrebleu",
    "rouge-1": "rouge_score",
    "rouge-l": "rouge_score",
    "bertscore": "bert_score",
    "mauve": "mauve",
}
_WORD = r"(?u)\b\w+\b"


def available() -> tuple[Extra, ...]:
    """Those whose library is installed."""
    return tuple(name for name in get_args(Extra) if find_spec(_MODULES[name]) is not None)


def score(
    name: Extra, drafts: Sequence[str], truths: Sequence[str], language: str = "en"
) -> list[float]:
    """The similarity of each draft to its truth; 1 is the most for all but none is the least.

    `language` is an ISO 639-1 code, of which bertscore alone makes use. MAUVE has one figure for
    all, which is given as often as there are drafts. ValueError for different numbers of texts.
    """
    if len(drafts) != len(truths):
        raise ValueError("each draft has one truth")
    if not drafts:
        return []
    if name == "bertscore":
        return _bertscore(drafts, truths, language)
    return _SCORES[name](drafts, truths)


def mauve(drafts: Sequence[str], truths: Sequence[str], seed: int = 1) -> float:
    """How alike the two sets of texts are, 0 to 1 (Pillutla et al., NeurIPS 2021).

    It is made for thousands of texts; for a few hundred only its order of systems means anything.
    """
    with extra_needed("mauve-text", "metrics"):
        from mauve import compute_mauve

        found = compute_mauve(
            p_text=list(truths), q_text=list(drafts), device_id=-1, verbose=False, seed=seed
        )
    return float(found.mauve)


def _tf_idf(drafts: Sequence[str], truths: Sequence[str]) -> list[float]:
    with extra_needed("scikit-learn", "eval"):
        from sklearn.feature_extraction.text import TfidfVectorizer

    texts = [*drafts, *truths]
    if not any(c.isalnum() for text in texts for c in text):
        return [0.0] * len(drafts)
    vectors = TfidfVectorizer(token_pattern=_WORD).fit_transform(texts)
    both = vectors[: len(drafts)].multiply(vectors[len(drafts) :]).sum(axis=1)
    return [min(1.0, float(value)) for value in both.flat]


def _bleu(drafts: Sequence[str], truths: Sequence[str]) -> list[float]:
    with extra_needed("sacrebleu", "metrics"):
        from sacrebleu.metrics import BLEU

    bleu = BLEU(effective_order=True)
    return [
        bleu.sentence_score(draft, [truth]).score / 100
        for draft, truth in zip(drafts, truths, strict=True)
    ]


def _rouge(kind: str) -> Callable[[Sequence[str], Sequence[str]], list[float]]:
    def scores(drafts: Sequence[str], truths: Sequence[str]) -> list[float]:
        with extra_needed("rouge-score", "metrics"):
            from rouge_score.rouge_scorer import RougeScorer

        scorer = RougeScorer([kind], use_stemmer=True)
        return [
            float(scorer.score(truth, draft)[kind].fmeasure)
            for draft, truth in zip(drafts, truths, strict=True)
        ]

    return scores


def _bertscore(drafts: Sequence[str], truths: Sequence[str], language: str) -> list[float]:
    with extra_needed("bert-score", "metrics"):
        from bert_score import score as bert_score

    _, _, f1 = bert_score(list(drafts), list(truths), lang=language, verbose=False)
    return [float(value) for value in f1]


def _mauve(drafts: Sequence[str], truths: Sequence[str]) -> list[float]:
    return [mauve(drafts, truths)] * len(drafts)


_SCORES: dict[Extra, Callable[[Sequence[str], Sequence[str]], list[float]]] = {
    "tf-idf": _tf_idf,
    "bleu": _bleu,
    "rouge-1": _rouge("rouge1"),
    "rouge-l": _rouge("rougeL"),
    "mauve": _mauve,
}
