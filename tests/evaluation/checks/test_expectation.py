"""What an item may ask of its answer."""

import pytest
from lokal.data.errors import UserError
from lokal.evaluation.checks.expectation import Expectation


def test_takes_every_script_that_the_region_is_written_in():
    assert Expectation(language="hi", script="Deva").code_mix is False
    assert Expectation(language="hi", script="Latn", code_mix=True).register is None
    assert Expectation(language="tl", script="Latn", register="formal").register == "formal"


def test_refuses_a_script_that_the_region_has_not():
    with pytest.raises(ValueError, match=r"expect\.script of 'id' must be one of Latn, got 'Deva'"):
        Expectation(language="id", script="Deva")


def test_refuses_an_unknown_language_script_or_register():
    with pytest.raises(UserError, match="unknown region 'xx'"):
        Expectation(language="xx", script="Latn")
    with pytest.raises(UserError, match="unknown script 'Roman'"):
        Expectation(language="hi", script="Roman")
    with pytest.raises(ValueError, match=r"expect\.register must be one of formal, neutral"):
        Expectation(language="hi", script="Deva", register="polite")  # pyright: ignore[reportArgumentType]
