"""A row's text by a dotted path, also out of nested objects and lists."""

from collections.abc import Iterator

_BETWEEN_PARAGRAPHS = "\n\n"


def text_at(values: object, path: str) -> str | None:
    """Return the text at the path, or None where there is none.

    ``content.body`` leads into nested objects, and through lists to each of their items; texts
    of a list become paragraphs. A column whose name holds dots itself is found first.
    """
    if isinstance(values, dict) and isinstance(text := values.get(path), str):
        return text
    found = list(_find(values, path))
    texts = [text for text in found if isinstance(text, str)]
    others = sum(text is not None for text in found) - len(texts)
    return _BETWEEN_PARAGRAPHS.join(texts) if texts and not others else None


def _find(values: object, path: str) -> Iterator[object]:
    if isinstance(values, list):
        for item in values:
            yield from _find(item, path)
    elif not path:
        yield values
    elif isinstance(values, dict):
        if path in values:
            yield from _find(values[path], "")
        else:
            head, _, rest = path.partition(".")
            yield from _find(values.get(head), rest)
