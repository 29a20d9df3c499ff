"""Many virtual experiments whose truth is known: drawn from a design, analysed blind, gathered in one table."""

from __future__ import annotations

from mqtctl.campaign.design import BUILT_IN, Design, load_design
from mqtctl.campaign.run import CampaignOptions, CampaignOutcome, run_campaign

__all__ = ["BUILT_IN", "CampaignOptions", "CampaignOutcome", "Design", "load_design", "run_campaign"]
