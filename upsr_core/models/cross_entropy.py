"""Exact cross-entropy over a whole catalogue whose logits are never stored at once."""

import torch

CHUNK_LOGITS = 2**21  # logits held at once: 8 MB in single precision, so that they stay in the cache


class _CatalogueCrossEntropy(torch.autograd.Function):
    """The gradients are taken in the forward pass, chunk by chunk, while the probabilities are at hand."""

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

    @staticmethod
    def backward(context, grad_output):
        scale = grad_output / context.count
        return (*(gradient * scale for gradient in context.saved_tensors), None)


def catalogue_cross_entropy(query: torch.Tensor, items: torch.Tensor, bias: torch.Tensor, labels: torch.Tensor):
    """Mean cross-entropy of `labels` (n,) under logits `query @ items.T + bias`; query (n, d), items (m, d), bias (m,).

    The same value and gradients as `torch.nn.functional.cross_entropy`, in memory of `CHUNK_LOGITS` logits.
    """
    return _CatalogueCrossEntropy.apply(query, items, bias, labels)
