"""Free energies from the files of anyone's run: request, hills, rows, result."""
