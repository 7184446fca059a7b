"""When two texts are the same: case, punctuation, spacing and joiners set aside."""

import unicodedata


def match_key(text: str) -> str:
    """Return the text's words, folded to one case, with single spaces between them.

    Letters, digits and vowel signs stay; joiners and other invisible signs go; the rest separates.
    Two texts are taken for the same when their keys are equal. Expects NFC.
    """
    return " ".join(text.casefold().translate(_TABLE).split())


class _Table(dict[int, int | None]):
    """Fills itself: None removes a character, a space separates words."""

    def __missing__(self, code: int) -> int | None:
        category = unicodedata.category(chr(code))
        if category[0] in "LMN":
            value: int | None = code
        else:
            value = None if category == "Cf" else 0x20
        self[code] = value
        return value


_TABLE = _Table()
