"""GROMACS' compressed trajectories, XTC."""
