"""What people do with the other rooms: the cisterna command line, demo, benchmarks, generated documents."""
