"""Gives the pump model a life: clocks, links, link faults and the loop that hosts it."""
