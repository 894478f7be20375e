"""The benchmarks, one module for each thing measured; `workbench.bench` runs them and writes the report."""
