"""What states look like: frames nearest to each, solvent that bridges, mean distances."""
