"""Whether an answer stops before its end."""

from ...data.language.lines import next_fence

_MIN_WORDS = 25
"""A shorter answer may be a phrase: a label, a name, a title."""
_MIN_LAST_WORDS = 6
_ENDS = ".!?।॥…:;)]}>\"'”’»*_`~|#"


def is_truncated(reply: str, *, is_cut: bool) -> bool:
    """Return whether the system said that it was cut, or the text breaks off.

    Text breaks off where a block of code stays open, or a long answer's last line is a sentence
    that ends in a letter, a digit or a comma; an emoji or a hashtag may end an answer.
    """
    if is_cut:
        return True
    text = reply.rstrip()
    fence = ""
    for line in text.split("\n"):
        _, fence = next_fence(line, fence)
    if fence:
        return True
    words = text.split()
    if len(words) < _MIN_WORDS:
        return False
    last = text.rpartition("\n")[2].split()
    is_sentence = len(last) >= _MIN_LAST_WORDS or last == words[-len(last) :] == words
    return is_sentence and (last[-1][-1].isalnum() or _is_sign(last[-1][-1]) or text[-1] in ",-–—")


def _is_sign(character: str) -> bool:
    """Return whether this is a vowel sign or virama of Devanagari, which is no letter to Python."""
    return "ऀ" <= character <= "ॏ" and character not in _ENDS
