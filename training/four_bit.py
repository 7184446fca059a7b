"""``method=qlora`` with ``stack=hf``: frozen linear layers in 4 bits (NF4) by bitsandbytes.

Every 64 values share a scale, and the scales are quantised again: 4.13 bits a value.
"""

import importlib.util
from pathlib import Path

import torch
from transformers import BitsAndBytesConfig, LlamaForCausalLM

from ..data.errors import UserError


def load_four_bit_llama(
    folder: Path, *, dtype: torch.dtype, attention: str = "sdpa"
) -> LlamaForCausalLM:
    """Return the folder's Llama with the linear layers of its decoder in 4 bits (bitsandbytes).

    Args:
        dtype: of products, and of what is not in 4 bits.
        attention: Transformers' name of what computes it.

    Raises:
        UserError: bitsandbytes is missing, or does not work on this machine.
    """
    has_cuda = torch.cuda.is_available()
    device = torch.device("cuda", torch.cuda.current_device()) if has_cuda else torch.device("cpu")
    _check_bitsandbytes(device)
    from bitsandbytes.nn.modules import Linear4bit

    llama = LlamaForCausalLM.from_pretrained(
        folder,
        dtype=dtype,
        attn_implementation=attention,
        use_safetensors=True,
        device_map={"": device},
        quantization_config=BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=dtype,
        ),
    )
    for module in llama.modules():
        if isinstance(module, Linear4bit):
            # Without a gradient it would repack the weight for a product that has no backward, and
            # every later step would train on wrong gradients (seen with bitsandbytes 0.50.2).
            module.support_avx512bf16_for_cpu = False
    return llama


def _check_bitsandbytes(device: torch.device) -> None:
    if importlib.util.find_spec("bitsandbytes") is None:
        raise UserError(
            "method=qlora with stack=hf needs bitsandbytes: pip install 'lokal[qlora]', or choose "
            "stack=torchtune"
        )
    from bitsandbytes import __version__, functional

    probe = torch.ones(64, 64, device=device)
    try:
        functional.quantize_4bit(probe, quant_type="nf4")
    except (RuntimeError, NotImplementedError, OSError) as error:
        raise UserError(
            f"bitsandbytes {__version__} has no 4-bit weights on {device.type} here "
            f"({str(error).splitlines()[0]}): choose method=lora, or stack=torchtune, whose 4-bit "
            "weights are plain PyTorch"
        ) from error
