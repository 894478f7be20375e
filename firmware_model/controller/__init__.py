"""What the firmware believes and decides: schedule, delivery, alarms, storage, programming, bonds."""
