"""How a run stands as one page of HTML: what `mqtctl watch` serves, and what the supervisor leaves in the folder.

It reads the run's log and its database, and writes to neither.
"""

from __future__ import annotations

from mqtctl.status_page.follow import Facts, Follower
from mqtctl.status_page.page import CONTENT_POLICY, fragment, whole_page

__all__ = ["CONTENT_POLICY", "Facts", "Follower", "fragment", "whole_page"]
