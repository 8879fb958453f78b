"""Exact cross-entropies over a catalogue or a batch whose logits are never stored at once."""

import torch

CHUNK_LOGITS = 2**21  # logits held at once: 8 MB in single precision, so that they stay in the cache


class _MeanOverRows(torch.autograd.Function):
    """The gradients are taken in the forward pass, chunk by chunk, while the probabilities are at hand; that of the
    last input, the labels, there is not."""

    @staticmethod
    def backward(context, grad_output):
        scale = grad_output / context.count
        return (*(gradient * scale for gradient in context.saved_tensors), None)


class _CatalogueCrossEntropy(_MeanOverRows):
    @staticmethod
    def forward(context, query, items, bias, labels):
        with torch.no_grad():
            loss = query.new_zeros(())
            grad_query, grad_items, grad_bias = torch.empty_like(query), torch.zeros_like(items), torch.zeros_like(bias)
            size = max(1, CHUNK_LOGITS // len(items))
            for start in range(0, len(query), size):
                part, wanted = query[start : start + size], labels[start : start + size, None]
                logits = torch.addmm(bias, part, items.T)
                total = torch.logsumexp(logits, dim=1, keepdim=True)
                loss += (total - logits.gather(1, wanted)).sum()
                gradient = logits.sub_(total).exp_()
                gradient.scatter_add_(1, wanted, gradient.new_full(wanted.shape, -1.0))
                torch.mm(gradient, items, out=grad_query[start : start + size])
                grad_items.addmm_(gradient.T, part)
                grad_bias += gradient.sum(0)
            context.save_for_backward(grad_query, grad_items, grad_bias)
            context.count = len(query)
            return loss / len(query)


def catalogue_cross_entropy(query: torch.Tensor, items: torch.Tensor, bias: torch.Tensor, labels: torch.Tensor):
    """Mean cross-entropy of `labels` (n,) under logits `query @ items.T + bias`; query (n, d), items (m, d), bias (m,).

    The same value and gradients as `torch.nn.functional.cross_entropy`, in memory of `CHUNK_LOGITS` logits.
    """
    return _CatalogueCrossEntropy.apply(query, items, bias, labels)


class _Contrast(_MeanOverRows):
    """As `_CatalogueCrossEntropy`; where two rows share a label, each leaves a logit of 0 in the other's softmax."""

    @staticmethod
    def forward(context, query, others, labels):
        with torch.no_grad():
            loss = query.new_zeros(())
            grad_query, grad_others = torch.empty_like(query), torch.zeros_like(others)
            size = max(1, CHUNK_LOGITS // len(others))
            for start in range(0, len(query), size):
                part, rows = query[start : start + size], torch.arange(start, min(start + size, len(query)))
                own = rows[:, None].to(query.device)
                alike = (labels[own] == labels).scatter_(1, own, False)
                logits = (part @ others.T).masked_fill_(alike, 0.0)
                total = torch.logsumexp(logits, dim=1, keepdim=True)
                loss += (total - logits.gather(1, own)).sum()
                gradient = logits.sub_(total).exp_().masked_fill_(alike, 0.0)
                gradient.scatter_add_(1, own, gradient.new_full(own.shape, -1.0))
                torch.mm(gradient, others, out=grad_query[start : start + size])
                grad_others.addmm_(gradient.T, part)
            context.save_for_backward(grad_query, grad_others)
            context.count = len(query)
            return loss / len(query)


def contrast(query: torch.Tensor, others: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy of row i of `others` (n, d) against all its rows, under logits `query @ others.T`.

    Rows of one label (n,) are no negatives of each other: as in UniSRec's published code their logits are 0 instead.
    """
    return _Contrast.apply(query, others, labels)
