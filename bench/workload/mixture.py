"""A mixture of experts that predicts about as SmolLM2-135M does, whose MLPs it splits into experts.

It is a Mixtral. A Qwen3-MoE normalises each head's queries and keys, so that it cannot compute SmolLM2's
attention; a Mixtral's is the same. Channels of an MLP that are large for the same tokens make an expert, all
experts are of one size, and a token goes to ten of them. Routers are fitted in closed form, by a ridge
regression of the rank of each expert's output, by size, on the router's input.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import MixtralConfig, MixtralForCausalLM, PreTrainedModel, PreTrainedTokenizerBase

EXPERTS = 16
_PER_TOKEN = 10
_ROUNDS = 4  # of the clustering, behind which few channels move
_SPREAD = 0.1  # of a router's logits
_RIDGE = 0.1  # of the mean square of the router's inputs


@torch.no_grad()
def write_mixture(
    dense: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, windows: Tensor, directory: Path
) -> None:
    """Write the checkpoint, in bfloat16. Equal arguments give equal bits on one machine.

    `dense`: a Llama in float32, whose MLPs' width is a multiple of EXPERTS. `windows`: text to split by.
    """
    given, hooks, layers = dict[int, Tensor](), [], dense.model.layers
    for number, layer in enumerate(layers):

        def keep(_module: nn.Module, inputs: tuple[Tensor, ...], number: int = number) -> None:
            given[number] = inputs[0].flatten(0, -2)

        hooks.append(layer.mlp.register_forward_pre_hook(keep))
    dense(input_ids=windows, use_cache=False, logits_to_keep=1)
    for hook in hooks:
        hook.remove()
    weights = {name: tensor for name, tensor in dense.state_dict().items() if ".mlp." not in name}
    for number, layer in enumerate(layers):
        split = _split(layer.mlp, given.pop(number))
        weights |= {f"model.layers.{number}.mlp.{name}": tensor for name, tensor in split.items()}
    mixture = MixtralForCausalLM(_config(dense.config)).eval()
    mixture.load_state_dict(weights)
    mixture.to(torch.bfloat16).save_pretrained(directory)
    tokenizer.save_pretrained(directory)


def _config(dense: object) -> MixtralConfig:
    names = (
        *("hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "vocab_size"),
        *("rms_norm_eps", "rope_parameters", "max_position_embeddings", "tie_word_embeddings"),
        *("bos_token_id", "eos_token_id"),
    )
    return MixtralConfig(
        **{name: getattr(dense, name) for name in names},
        intermediate_size=dense.intermediate_size // EXPERTS,  # type: ignore[attr-defined]  # of a Llama
        num_local_experts=EXPERTS,
        num_experts_per_tok=_PER_TOKEN,
        sliding_window=None,
    )


def _split(mlp: nn.Module, inputs: Tensor) -> dict[str, Tensor]:
    """Return the experts and the router of an MLP, by their names in a Mixtral.

    `inputs`: (tokens, hidden).
    """
    gate, up, down = (mlp.get_parameter(f"{name}_proj.weight") for name in ("gate", "up", "down"))
    channels = F.silu(inputs @ gate.T) * (inputs @ up.T)
    experts = _clusters((channels * torch.linalg.vector_norm(down, dim=0)).abs().T)
    sizes = torch.stack([(channels[:, own] @ down[:, own].T).norm(dim=1) for own in experts], dim=1)
    moments = inputs.T @ inputs
    ridge = _RIDGE * moments.diagonal().mean() * torch.eye(len(moments))
    # Ranks, since some tokens have outputs of a hundred times the others' size; the differences are small, so
    # that the experts of a token have almost equal weights.
    ranks = sizes.argsort(dim=1).argsort(dim=1) / EXPERTS
    router = torch.linalg.solve(moments + ridge, inputs.T @ (_SPREAD * ranks))
    return {
        "gate.weight": router.T.contiguous(),
        "experts.gate_up_proj": torch.stack([torch.cat([gate[own], up[own]]) for own in experts]),
        # A router's weights are about 1 ÷ _PER_TOKEN, and the experts of a token are to add up.
        "experts.down_proj": torch.stack([_PER_TOKEN * down[:, own] for own in experts]),
    }


def _clusters(features: Tensor) -> list[Tensor]:
    """Return rows with similar directions, in EXPERTS groups of one size: k-means, the nearest pair first."""
    features = F.normalize(features)
    random = torch.Generator().manual_seed(0)
    centres, size = (
        features[torch.randperm(len(features), generator=random)[:EXPERTS]],
        len(features) // EXPERTS,
    )
    for _ in range(_ROUNDS):
        nearest = (features @ centres.T).flatten().argsort(descending=True, stable=True)
        groups, placed = [list[int]() for _ in range(EXPERTS)], set[int]()
        for row, group in (divmod(pair, EXPERTS) for pair in nearest.tolist()):
            if row not in placed and len(groups[group]) < size:
                placed.add(row)
                groups[group].append(row)
        members = [torch.tensor(sorted(group)) for group in groups]
        centres = F.normalize(torch.stack([features[own].mean(dim=0) for own in members]))
    return members
