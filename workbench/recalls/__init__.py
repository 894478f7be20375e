"""Recalls, field notices and case reports as scenarios: what went wrong, and what each observer could see."""
