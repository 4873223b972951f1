"""What the benchmarks of the line stand on: services, a model server and a worker in processes of their own, and text."""
