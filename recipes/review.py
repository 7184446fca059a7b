"""Let people compare replies blind, and keep their votes."""

import sys

from ..data.errors import UserError
from ..evaluation.review.settings import ReviewConfig
from .entry import recipe


@recipe(
    ReviewConfig,
    examples=(
        "lokal review name=quickstart +reviewers.id=[budi]",
        "lokal review name=x suite=scenarios +reviewers.hi=[asha,ravi] +reviewers.tl=[maria]",
        "lokal review name=x suite=scenarios baselines=[gpt-4] side_by_side=[child,parent,gpt-4] "
        "+reviewers.id=[budi]",
    ),
)
def review(config: ReviewConfig) -> None:
    """Let people compare replies blind, and keep their votes."""
    try:
        from ..evaluation.review.serve import serve
    except ImportError as error:
        raise UserError(
            f"lokal review needs the package {error.name}: pip install 'lokal[review]'"
        ) from error
    serve(config)


if __name__ == "__main__":
    sys.exit(review.main())
