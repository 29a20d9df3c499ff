"""A course of five notebooks: data of hidden junctions by seed, and the marking of what was found; see docs/course.

`write_data` writes the data files of a junction that nobody stores, `load_answers` and `mark` compare answers with its
truth and with what its data allow, `expected` is the instructor's.
"""

from mqtctl.course.answers import Answer, Answers, load_answers
from mqtctl.course.data import write_data
from mqtctl.course.junctions import Hidden, hidden
from mqtctl.course.marking import Mark, mark
from mqtctl.course.truth import Expected, expected

__all__ = [
    "Answer",
    "Answers",
    "Expected",
    "Hidden",
    "Mark",
    "expected",
    "hidden",
    "load_answers",
    "mark",
    "write_data",
]
