"""What two nodes of different releases can say to each other."""

import pytest

from protocol import versions
from protocol.errors import HandshakeError

RELEASE_0_1_0 = {"messages": (1, 2), "decoder": (1, 2)}
"""What a node of that release says that it reads."""


def test_the_highest_version_that_both_know() -> None:
    assert versions.common({"messages": (1, 2)}, {"messages": (2, 3), "mood": (1,)}) == {"messages": 2}


def test_what_release_0_1_0_does_not_mention_it_knows_in_the_first_version() -> None:
    here = {"messages": (1, 2), "decoder": (2,), "watch": (1,), "heartbeat": (1, 2)}
    assert versions.common(here, RELEASE_0_1_0) == {"messages": 2, "decoder": 2, "watch": 1, "heartbeat": 1}


@pytest.mark.parametrize(
    ("here", "there", "words"),
    [
        ({"messages": (2, 3)}, {"messages": (1,)}, "messages: here version 2 or version 3, there version 1"),
        ({"messages": (1,)}, {}, "messages: here version 1, there none"),
        ({"watch": (2,)}, {}, "watch: here version 2, there version 1"),
    ],
)
def test_nothing_in_common_is_said_in_words(
    here: dict[str, tuple[int, ...]], there: dict[str, tuple[int, ...]], words: str
) -> None:
    with pytest.raises(HandshakeError) as caught:
        versions.common(here, there)
    assert (caught.value.code, caught.value.detail) == ("schema", words)
