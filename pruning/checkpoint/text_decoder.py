"""The text decoder of a checkpoint that holds more, such as vision or audio towers.

transformers builds the whole model by the class that it registers for the config. What a forward pass on text
alone does not run is taken out of it, so that every method sees a plain text model; the files keep it.
"""

from typing import Any

from transformers import AutoModelForCausalLM, AutoModelForMultimodalLM, PretrainedConfig, PreTrainedModel

from pruning.checkpoint.description import is_multimodal


def auto_class(config: PretrainedConfig) -> Any:  # noqa: ANN401 - the classes have no common public base
    """Return the class of transformers that chooses the model class for a config."""
    return AutoModelForMultimodalLM if is_multimodal(config) else AutoModelForCausalLM


def text_decoder(model: PreTrainedModel) -> PreTrainedModel:
    """Return the causal language model in `model`, which loses all modules that text does not need.

    That is the innermost model with the same head, such as the `language_model` of Llama 4; or `model`
    itself, also where it holds nothing but text.
    """
    if not is_multimodal(model.config):
        return model
    decoder, head = model.get_decoder(), model.get_output_embeddings()
    around = [module for module in model.modules() if decoder in module.modules()]
    *_, found = (
        module
        for module in around
        if isinstance(module, PreTrainedModel) and module.get_output_embeddings() is head
    )
    for module in around[around.index(found) :]:
        for name, child in () if module is decoder else list(module.named_children()):
            if child not in around and head not in child.modules():
                delattr(module, name)
    return found
