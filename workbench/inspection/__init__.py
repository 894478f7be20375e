"""Reading what went over a link: octets explained one by one, and captured sessions listed."""
