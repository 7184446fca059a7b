"""Systems behind an OpenAI-compatible server: vLLM, llama.cpp, SGLang and others."""
