"""Touches: planned ahead by the touch plans of the tiers."""

from allocation.services.touches.planning import PlannedTouches, plan_touches

__all__ = ["PlannedTouches", "plan_touches"]
