"""Groups of commands, one file each; `cli.py` puts them together. They call `modelwright.api` and nothing else."""
