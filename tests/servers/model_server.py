"""A checkpoint behind OpenAI's chat completions, by Transformers alone: none of lokal's engines.

By hand: ``python -m tests.servers.model_server FOLDER [PORT]``.
"""

import sys
import threading
from pathlib import Path

from .chat_server import ChatServer, Reply, Said


def serve_model(folder: Path, *, name: str, threads: int = 1, port: int = 0) -> ChatServer:
    """Return a server of the checkpoint, in fp32 and always the likeliest token."""
    return ChatServer(_answerer(folder, name=name, threads=threads), models=[name], port=port)


def _answerer(folder: Path, *, name: str, threads: int) -> Reply:
    import torch
    from transformers import AutoTokenizer, LlamaForCausalLM

    torch.set_num_threads(threads)
    model = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    one_at_a_time = threading.Lock()

    def answer(body: dict, number: int) -> Said:
        del number
        if body.get("temperature"):
            raise ValueError(f"only the likeliest token is served, not {body['temperature']}")
        prompt = tokenizer.apply_chat_template(
            body["messages"], add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        longest = body.get("max_tokens") or body["max_completion_tokens"]
        with one_at_a_time, torch.inference_mode():
            made_ids = model.generate(  # pyright: ignore[reportAttributeAccessIssue]
                **prompt, max_new_tokens=longest, do_sample=False
            )
        num_prompt = prompt["input_ids"].shape[1]
        ids = made_ids[0, num_prompt:].tolist()
        ended = ids[-1] == tokenizer.eos_token_id
        text = tokenizer.decode(ids, skip_special_tokens=True)
        end = "stop" if ended else "length"
        return Said(text, end=end, model=name, prompt_tokens=num_prompt, reply_tokens=len(ids))

    return answer


def main() -> None:
    """Serve until interrupted."""
    folder, port = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    with serve_model(folder, name=folder.name, port=port) as server:
        print(f"{folder.name} at {server.url}", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
