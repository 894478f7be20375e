"""What physically happens to the device: motor, reservoir, catheter, cell and environment."""
