"""A soak: millions of random and mutated frames against both endpoints, the firmware behind the pump's.

``python -m support.soak --frames 10000000 --seed 1`` runs it with ``tests`` and the repository's root on the
path; ``make soak FRAMES=10000000`` does so. One seed is one run.
"""
