"""What was measured besides is put into words once, for terminal and report alike."""

from __future__ import annotations

from typing import Any

import pytest

from mqtctl.cli.summary import print_points
from mqtctl.workflow.besides import besides_in_words


def curve(seen: float, unseen: float | None) -> dict[str, Any]:
    return {
        "when": "before",
        "highest_seen_V": seen,
        "lowest_unseen_V": unseen,
        "rising_current_A": [9.3e-6, 9.4e-6, None],
        "falling_current_A": [None] if seen == 0.0 else [2.1e-6],
    }


@pytest.mark.parametrize(
    ("seen", "unseen", "said"),
    [
        (1.0, 2.8000000000000003, "voltage steps to between 1 V and 2.8 V at the counter"),
        (1.0, None, "voltage steps to more than 1 V at the counter, the highest threshold tried"),
        (0.0, 0.5, "no voltage step was seen at the counter"),
    ],
)
def test_a_curve_is_told_whatever_of_it_was_seen(
    seen: float, unseen: float | None, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = {"iv_curves": [curve(seen, unseen)]}
    words = besides_in_words(found)
    ((subject, text),) = words.items()
    assert subject == "I-V curve before the sweep"
    assert text.startswith("leaves the zero-voltage state near 9.35 µA; ")
    assert text.endswith(said)
    assert "None" not in text
    print_points({"points": [], **found})
    assert f"{subject}: {text.replace('µ', 'u')}" in capsys.readouterr().out


def test_every_number_has_its_standard_error_in_the_one_notation() -> None:
    words = besides_in_words(
        {
            "offset_current_A": 15.1e-9,
            "offset_current_stderr_A": 0.3e-9,
            "retrapping": [
                {
                    "temperature_K": 0.1,
                    "polarity": -1,
                    "mean_retrapping_current_A": 2.1234e-6,
                    "mean_retrapping_current_stderr_A": 1.2e-9,
                },
                {
                    "temperature_K": 0.2,
                    "polarity": 1,
                    "mean_retrapping_current_A": None,
                    "mean_retrapping_current_stderr_A": None,
                },
            ],
            "heating_check": {
                "heated": False,
                "slower_repetition_Hz": 20.0,
                "mean_shift_A": 0.1e-9,
                "mean_shift_stderr_A": 0.5e-9,
                "width_ratio": 1.012,
                "width_ratio_stderr": 0.03,
            },
        }
    )
    assert words == {
        "offset current of the bias line, taken out": "15.10(30) nA, from both polarities",
        "mean retrapping current at 100 mK, negative bias": "2.1234(12) µA",
        "mean retrapping current at 200 mK, positive bias": "–",
        "heating by the voltage state": "none seen: against 20 Hz the mean moves by 100(500) pA, the width by "
        "1.2(3.0) %",
    }
