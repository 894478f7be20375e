"""The programmer's screens: each draws the session's state and sends the clinician's intent back to it."""
