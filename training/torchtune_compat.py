"""torchtune 0.6.1 beside torchao 0.17: the one place that knows how the two are made to fit.

torchtune imports two names from ``torchao.quantization`` that torchao no longer has. They serve its
quantizers, which lokal does not use, so they only have to exist. Everything that lokal takes from
torchtune is imported here, after they do.
"""

from typing import NoReturn

from torchao import quantization


def _not_available(*_args: object, **_kwargs: object) -> NoReturn:
    raise NotImplementedError(
        "int8_dynamic_activation_int4_weight is not available with torchao 0.17"
    )


LOST_NAMES = {
    "int4_weight_only": quantization.Int4WeightOnlyConfig,  # its new name
    "int8_dynamic_activation_int4_weight": _not_available,  # it has no successor
}
for _name, _stand_in in LOST_NAMES.items():
    if not hasattr(quantization, _name):
        setattr(quantization, _name, _stand_in)

from torchao.dtypes.nf4tensor import NF4Tensor, linear_nf4, to_nf4  # noqa: E402
from torchtune.models.convert_weights import (  # noqa: E402
    hf_to_tune,
    meta_to_tune,
    tune_to_hf,
    tune_to_peft_adapter_weights,
)
from torchtune.models.llama3_1 import Llama3ScaledRoPE  # noqa: E402
from torchtune.modules import (  # noqa: E402
    FeedForward,
    MultiHeadAttention,
    RMSNorm,
    RotaryPositionalEmbeddings,
    TransformerDecoder,
    TransformerSelfAttentionLayer,
)
from torchtune.modules.peft import DoRALinear, LoRALinear  # noqa: E402

__all__ = [
    "LOST_NAMES",
    "DoRALinear",
    "FeedForward",
    "Llama3ScaledRoPE",
    "LoRALinear",
    "MultiHeadAttention",
    "NF4Tensor",
    "RMSNorm",
    "RotaryPositionalEmbeddings",
    "TransformerDecoder",
    "TransformerSelfAttentionLayer",
    "hf_to_tune",
    "linear_nf4",
    "meta_to_tune",
    "to_nf4",
    "tune_to_hf",
    "tune_to_peft_adapter_weights",
]
