import numpy as np
import pandas as pd

from upsr_core.likelihood import bench, rivals
from upsr_core.likelihood.reference import reference_log_likelihood
from upsr_core.plm.door import load_model, load_tokenizer
from upsr_core.text.design import Design, ItemDesign
from upsr_core.text.render import ItemTexts
from upsr_core.text.sequence import SequenceBuilder


def test_rivals_compute_what_the_reference_does():
    design = Design(finetune=ItemDesign.of("title"))
    items = pd.DataFrame([{"item_id": str(i), "title": f"Red drum {i}"} for i in range(6)])
    builder = SequenceBuilder(design, ItemTexts(design.finetune, items, load_tokenizer("embedded")))
    model, sequence, sentinel = load_model("embedded"), builder.ranking([1, 2]).ids, builder.tokenizer.sentinels[0]
    texts = [builder.texts.ids_of(i) for i in range(6)]
    expected = [reference_log_likelihood(model, sequence, sentinel, ids) for ids in texts]
    for rival in (rivals.naive, rivals.encode_once):
        np.testing.assert_allclose(rival(model, sequence, texts, sentinel, batch=4), expected, atol=1e-3)


def test_same_ranking_forgives_rounding_and_nothing_else():
    scores = np.array([-1.0, -2.0, -3.0])
    assert bench._alike(scores, scores + 1e-6)
    assert bench._alike(np.array([-1.0, -1.000001]), np.array([-1.000001, -1.0]))
    assert not bench._alike(scores, scores[::-1])
